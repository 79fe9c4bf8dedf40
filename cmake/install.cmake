# What `cmake --install` and the wheel carry: headers, the static library and find_package(asap CONFIG).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
if(SKBUILD)
  set(CMAKE_INSTALL_LIBDIR lib)  # the same layout below asap/ in every wheel
endif()
set(ASAP_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/asap)

install(TARGETS asap EXPORT asapTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT asapTargets NAMESPACE asap:: DESTINATION ${ASAP_CMAKE_DIR})

configure_package_config_file(cmake/asapConfig.cmake.in asapConfig.cmake INSTALL_DESTINATION ${ASAP_CMAKE_DIR})
write_basic_package_version_file(asapConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/asapConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/asapConfigVersion.cmake
        DESTINATION ${ASAP_CMAKE_DIR})
