# One precompiled header for every library that includes MLIR: a file that
# includes MLIR costs 20 s to compile without it and about 3 s with it.
add_library(deltanet_pch OBJECT "${CMAKE_CURRENT_SOURCE_DIR}/cmake/pch.cpp")
target_compile_options(deltanet_pch PRIVATE ${DELTANET_CXX_FLAGS})
target_precompile_headers(deltanet_pch PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/cmake/pch.h")

# deltanet_export(NAME): installs a library that does not include MLIR, and makes
# it part of the package, as deltanet_library() does.
function(deltanet_export name)
  set_property(GLOBAL APPEND PROPERTY DELTANET_LIBRARIES ${name})
endfunction()

# deltanet_library(NAME sources... [DEPENDS targets...] [LINK libraries...])
# A static library of lib/, one a folder, that includes MLIR.
function(deltanet_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE ${DELTANET_CXX_FLAGS})
  target_precompile_headers(${name} REUSE_FROM deltanet_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  deltanet_export(${name})
endfunction()

# deltanet_tool(NAME sources... [LINK libraries...]): an executable of tools/.
function(deltanet_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  # -fPIC, not -fPIE: the precompiled header's flags are the libraries'.
  target_compile_options(${name} PRIVATE ${DELTANET_CXX_FLAGS} -fPIC)
  target_precompile_headers(${name} REUSE_FROM deltanet_pch)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  set_target_properties(${name} PROPERTIES
    POSITION_INDEPENDENT_CODE OFF
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  set_property(GLOBAL APPEND PROPERTY DELTANET_TOOLS ${name})
endfunction()
