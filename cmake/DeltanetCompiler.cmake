# Compiler flags, linker, cache and sanitizers, the same for every target.
add_compile_options(-Wall -Wextra -Wno-unused-parameter)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Without time stamps a precompiled header has the same bytes every time.
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
if(DELTANET_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()

# LLVM is built with RTTI and without exceptions; so are we, but for the main
# of the tool that uses CLI11.
set(DELTANET_CXX_FLAGS -fno-exceptions)

find_program(DELTANET_LLD NAMES ld.lld-22 ld.lld HINTS "${LLVM_TOOLS_BINARY_DIR}")
if(DELTANET_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options("--ld-path=${DELTANET_LLD}")
endif()

# What an earlier configuration found may be gone.
if(DELTANET_CCACHE AND NOT EXISTS "${DELTANET_CCACHE}")
  unset(DELTANET_CCACHE CACHE)
endif()
find_program(DELTANET_CCACHE ccache)
if(DELTANET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${DELTANET_CCACHE})
endif()

if(DELTANET_SANITIZE)
  add_compile_options(-fsanitize=${DELTANET_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all -fno-sanitize=vptr)
  add_link_options(-fsanitize=${DELTANET_SANITIZE})
endif()
