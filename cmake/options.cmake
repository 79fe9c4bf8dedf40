# Compile options of every target, on the interface target asap_options.
find_package(Threads REQUIRED)

set(ASAP_LEAST_GNU 11)
set(ASAP_LEAST_Clang 14)
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS "${ASAP_LEAST_${CMAKE_CXX_COMPILER_ID}}")
  message(FATAL_ERROR "asap needs a C++20 compiler: GCC ${ASAP_LEAST_GNU} or Clang ${ASAP_LEAST_Clang}, or newer; "
                      "found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} at ${CMAKE_CXX_COMPILER}")
endif()

add_library(asap_options INTERFACE)
target_compile_options(asap_options INTERFACE -fvisibility=hidden)
if(ASAP_DEVELOPER)
  target_compile_options(asap_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                                                -Werror)
endif()

# Instruments `target` and whatever links to it. Sources test __SANITIZE_THREAD__ and __SANITIZE_ADDRESS__, which GCC
# defines by itself and older Clang does not.
function(asap_sanitize target)
  target_compile_options(${target} INTERFACE -fsanitize=${ASAP_SANITIZE} -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer -g)
  target_link_options(${target} INTERFACE -fsanitize=${ASAP_SANITIZE})
  foreach(kind IN ITEMS thread address)
    if(ASAP_SANITIZE MATCHES ${kind})
      string(TOUPPER ${kind} name)
      target_compile_definitions(${target} INTERFACE $<$<CXX_COMPILER_ID:Clang,AppleClang>:__SANITIZE_${name}__=1>)
    endif()
  endforeach()
endfunction()

if(ASAP_SANITIZE)
  asap_sanitize(asap_options)
endif()
