# deltanet_add_kernel(NAME SOURCE FILE.mlir TARGETS CHIP... [PREFIX P] [ENTRY FUNCTION]
#                     [OPTIONS OPTION...])
# A shared library NAME with the package of a function (docs/Embed.md), made when
# FILE.mlir changes. What links it finds its header, P.h, and calls P_run; P is NAME
# where it is not said. TARGETS are names of `deltanet targets`, OPTIONS further ones
# of `deltanet compile`.
function(deltanet_add_kernel name)
  cmake_parse_arguments(ARG "" "SOURCE;PREFIX;ENTRY" "TARGETS;OPTIONS" ${ARGN})
  if(NOT ARG_SOURCE OR NOT ARG_TARGETS OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "deltanet_add_kernel expects NAME SOURCE FILE TARGETS CHIP..., got: "
      "${name} ${ARGN}")
  endif()
  if(NOT ARG_PREFIX)
    set(ARG_PREFIX "${name}")
  endif()
  cmake_path(ABSOLUTE_PATH ARG_SOURCE BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  list(JOIN ARG_TARGETS "," targets)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}.package")
  file(MAKE_DIRECTORY "${folder}")
  if(ARG_ENTRY)
    list(APPEND ARG_OPTIONS --entry "${ARG_ENTRY}")
  endif()
  set(files "${folder}/${ARG_PREFIX}.so" "${folder}/${ARG_PREFIX}.h" "${folder}/${ARG_PREFIX}.json")
  add_custom_command(OUTPUT ${files}
    COMMAND "${DELTANET_EXECUTABLE}" compile "${ARG_SOURCE}" --target "${targets}"
            --emit so,header,manifest --prefix "${ARG_PREFIX}" -o "${folder}" ${ARG_OPTIONS}
    DEPENDS "${ARG_SOURCE}" "${DELTANET_EXECUTABLE}" VERBATIM
    COMMENT "Compiling ${name} for ${targets}")
  add_custom_target("${name}-package" DEPENDS ${files})
  add_library(${name} SHARED IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION "${folder}/${ARG_PREFIX}.so"
    INTERFACE_INCLUDE_DIRECTORIES "${folder}")
  add_dependencies(${name} "${name}-package")
endfunction()
