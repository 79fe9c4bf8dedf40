# The Python module: module.cpp and one bind_<room>.cpp each.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
find_package(pybind11 3.0 CONFIG REQUIRED)

file(GLOB ASAP_BINDINGS CONFIGURE_DEPENDS bindings/*.cpp)
# NO_EXTRAS: neither link-time optimisation nor stripping, so that sanitizers and profilers can read it.
pybind11_add_module(_core MODULE NO_EXTRAS ${ASAP_BINDINGS})
target_link_libraries(_core PRIVATE asap::asap asap_options)
target_compile_definitions(_core PRIVATE ASAP_VERSION="${PROJECT_VERSION}")
# Several at a time: reading pybind11 costs the compiler more than what is bound.
set_target_properties(_core PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)

# A wheel installs below asap/ (wheel.install-dir in pyproject.toml), beside the Python sources.
if(SKBUILD)
  install(TARGETS _core LIBRARY DESTINATION .)
endif()
