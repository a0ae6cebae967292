# cmake --install: tools (installed where they are defined), headers, libraries,
# a CMake package and a pkg-config file. Libraries are those that
# deltanet_library() or deltanet_export() made known.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/deltanet")
get_property(libraries GLOBAL PROPERTY DELTANET_LIBRARIES)

foreach(library IN LISTS libraries)
  target_include_directories(${library} INTERFACE
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
endforeach()

# One name for all of them.
add_library(deltanet INTERFACE)
target_link_libraries(deltanet INTERFACE ${libraries})

install(TARGETS ${libraries} deltanet EXPORT deltanetTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT deltanetTargets NAMESPACE deltanet:: DESTINATION "${package_dir}")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" "${PROJECT_BINARY_DIR}/include/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h" PATTERN "*.inc"
  PATTERN "*.cpp.inc" EXCLUDE)
# The .td files, for who writes a dialect on top of these.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/dialects/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/deltanet/dialects"
  FILES_MATCHING PATTERN "*.td")
# For `pip install PREFIX/share/deltanet/python`.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/lib/Python/"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/deltanet/python"
  PATTERN "__pycache__" EXCLUDE PATTERN "build" EXCLUDE
  PATTERN "*.egg-info" EXCLUDE)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/deltanet")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/deltanetConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/deltanetConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/deltanetConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/deltanetConfig.cmake"
              "${PROJECT_BINARY_DIR}/deltanetConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/deltanetAddKernel.cmake"
  DESTINATION "${package_dir}")

# pkg-config knows nothing of CMake's dependencies between the archives, so they
# are one group for the linker.
list(TRANSFORM libraries PREPEND "-l" OUTPUT_VARIABLE pc_libraries)
list(JOIN pc_libraries " " pc_libraries)
set(pc_includes ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
list(REMOVE_DUPLICATES pc_includes)
list(TRANSFORM pc_includes PREPEND "-isystem ")
list(JOIN pc_includes " " pc_includes)
# Relative to the file itself, so that `cmake --install --prefix` and moved trees
# need no editing.
file(RELATIVE_PATH pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/deltanet.pc.in"
  "${PROJECT_BINARY_DIR}/deltanet.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/deltanet.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
