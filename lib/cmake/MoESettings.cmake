# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Build-wide settings: build type, compiler cache, linker, output folders, sanitizers.
include_guard(GLOBAL)

# Release keeps the tests quick; asserts are kept unless MOE_ENABLE_ASSERTIONS says otherwise (see MoEFunctions).
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
foreach(lang C CXX)
  foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REGEX REPLACE "[-/]DNDEBUG" "" CMAKE_${lang}_FLAGS_${type} "${CMAKE_${lang}_FLAGS_${type}}")
  endforeach()
  # -O3 costs build time and gains nothing: the code that must be fast is the code we generate.
  string(REPLACE "-O3" "-O2" CMAKE_${lang}_FLAGS_RELEASE "${CMAKE_${lang}_FLAGS_RELEASE}")
endforeach()

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
# Tools find libmoe_runtime.so beside themselves, in the build tree and in an install prefix alike.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
include(GNUInstallDirs)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

find_program(MOE_CCACHE ccache)
if(MOE_CCACHE)
  foreach(lang C CXX)
    if(NOT DEFINED CMAKE_${lang}_COMPILER_LAUNCHER)
      # The sloppiness lets ccache look through a precompiled header.
      set(CMAKE_${lang}_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
        "${MOE_CCACHE}")
    endif()
  endforeach()
endif()

find_program(MOE_LLD NAMES ld.lld-22 ld.lld PATHS /usr/lib/llvm-22/bin)
if(MOE_LLD)
  add_link_options("-fuse-ld=${MOE_LLD}" "-Wl,--gc-sections")
endif()

if(MOE_SANITIZE)
  list(JOIN MOE_SANITIZE "," moe_sanitizers)
  add_compile_options(-fsanitize=${moe_sanitizers} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${moe_sanitizers})
  # Kernels are called by address and are not compiled with it: it reads what lies before a function, and before the first
  # one of a library may be nothing.
  if("undefined" IN_LIST MOE_SANITIZE)
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
