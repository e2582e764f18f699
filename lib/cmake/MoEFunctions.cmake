# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The verbs the CMakeLists.txt of this project are written in.
#
#   moe_add_subdirectories(DIR...)                       those that have a CMakeLists.txt
#   moe_tablegen_target(NAME)                            closes a run of mlir_tablegen(); all MLIR libraries wait for it
#   moe_add_mlir_library(NAME SOURCES... LINK_LIBS ...)  static, no RTTI, no exceptions, MLIR headers
#   moe_add_plain_library(NAME [SHARED] SOURCES... LINK_LIBS ... PRIVATE_LIBS ...)   C++20, sees neither LLVM nor MLIR
#   moe_add_tool(NAME SOURCES... LINK_LIBS ... MLIR_LIBS ...)                        executable on libMLIR.so and libLLVM.so
#   moe_add_plain_tool(NAME SOURCES... LINK_LIBS ...)                                executable without LLVM
#   moe_add_unittest(NAME SOURCES... LINK_LIBS ... [PLAIN])                          GoogleTest, run through lit
include_guard(GLOBAL)

# Everything mlir-tblgen writes; MLIR libraries are compiled after it.
add_custom_target(moe-headers)
# What `cmake --build build --target moe-tools` needs: every tool, no tests.
add_custom_target(moe-tools)

function(moe_add_subdirectories)
  foreach(dir IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${dir}/CMakeLists.txt")
      add_subdirectory(${dir})
    endif()
  endforeach()
endfunction()

# A macro, because add_public_tablegen_target reads TABLEGEN_OUTPUT and sets variables in the caller.
macro(moe_tablegen_target name)
  add_public_tablegen_target(${name})
  add_dependencies(moe-headers ${name})
  unset(TABLEGEN_OUTPUT)
endmacro()

# Flags every target of ours shares.
add_library(moe_common_flags INTERFACE)
target_compile_options(moe_common_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -fvisibility-inlines-hidden
  -ffunction-sections -fdata-sections)
target_include_directories(moe_common_flags INTERFACE
  "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include")
if(NOT MOE_ENABLE_ASSERTIONS)
  target_compile_definitions(moe_common_flags INTERFACE NDEBUG)
endif()

# Debian's LLVM is built with RTTI, which lets our code go either way; without it, objects are smaller and build faster.
# LLVM's own headers are system headers, so that their warnings are not ours.
add_library(moe_mlir_flags INTERFACE)
target_link_libraries(moe_mlir_flags INTERFACE moe_common_flags)
target_include_directories(moe_mlir_flags SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(moe_llvm_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
target_compile_options(moe_mlir_flags INTERFACE ${moe_llvm_definitions}
  $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti> $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)

add_library(moe_plain_flags INTERFACE)
target_link_libraries(moe_plain_flags INTERFACE moe_common_flags)
target_compile_features(moe_plain_flags INTERFACE cxx_std_20)
# A field left out of a designated initializer is zero, and meant to be.
target_compile_options(moe_plain_flags INTERFACE -fvisibility=hidden
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-designated-field-initializers>)

# One precompiled header of MLIR's core serves all MLIR libraries and tools.
if(MOE_ENABLE_PCH)
  add_library(moe_pch OBJECT "${PROJECT_SOURCE_DIR}/lib/cmake/MoEPch.cpp")
  target_link_libraries(moe_pch PRIVATE moe_mlir_flags)
  target_precompile_headers(moe_pch PRIVATE "${PROJECT_SOURCE_DIR}/lib/cmake/MoEPch.h")
  # Without a time stamp in the header two builds of it are the same to ccache.
  target_compile_options(moe_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endif()

# The header is -fPIC; executables, which CMake would make -fPIE, follow it.

function(moe_use_pch name)
  if(MOE_ENABLE_PCH)
    get_target_property(type ${name} TYPE)
    if(type STREQUAL "EXECUTABLE")
      set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${name} PRIVATE -fPIC)
    endif()
    target_precompile_headers(${name} REUSE_FROM moe_pch)
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()

function(moe_add_mlir_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "LINK_LIBS;DEPENDS" ${ARGN})
  if(NOT ARG_UNPARSED_ARGUMENTS)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_LINK_LIBS})
    return()
  endif()
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE moe_mlir_flags PUBLIC ${ARG_LINK_LIBS})
  add_dependencies(${name} moe-headers ${ARG_DEPENDS})
  if(NOT ARG_NO_PCH)
    moe_use_pch(${name})
  endif()
endfunction()

function(moe_add_plain_library name)
  cmake_parse_arguments(ARG "SHARED" "" "LINK_LIBS;PRIVATE_LIBS;DEPENDS" ${ARGN})
  if(NOT ARG_UNPARSED_ARGUMENTS)
    add_library(${name} INTERFACE)
    return()
  endif()
  if(ARG_SHARED)
    add_library(${name} SHARED ${ARG_UNPARSED_ARGUMENTS})
    # A shared library shows what its header marks MOE_EXPORT, and nothing of the archives inside it.
    target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
  else()
    add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  endif()
  target_link_libraries(${name} PRIVATE moe_plain_flags ${ARG_PRIVATE_LIBS} PUBLIC ${ARG_LINK_LIBS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# LLVM's command line and MLIR's type ids are process-wide, so an executable takes MLIR and LLVM from the shared
# libraries and nothing else. MLIR_LIBS are archives that libMLIR.so leaves out (MLIROptLib and its like); they are
# linked as bare files, since their CMake targets would drag in static copies of all of MLIR.
function(moe_link_mlir name)
  cmake_parse_arguments(ARG "" "" "MLIR_LIBS" ${ARGN})
  foreach(lib IN LISTS ARG_MLIR_LIBS)
    target_link_libraries(${name} PRIVATE $<TARGET_FILE:${lib}>)
  endforeach()
  target_link_libraries(${name} PRIVATE $<TARGET_FILE:MLIR> $<TARGET_FILE:LLVM>)
  if("thread" IN_LIST MOE_SANITIZE)
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/lib/cmake/SerialMLIR.cpp")
  endif()
endfunction()

function(moe_add_tool name)
  cmake_parse_arguments(ARG "NO_PCH" "" "LINK_LIBS;MLIR_LIBS;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE moe_mlir_flags ${ARG_LINK_LIBS})
  moe_link_mlir(${name} MLIR_LIBS ${ARG_MLIR_LIBS})
  add_dependencies(${name} moe-headers ${ARG_DEPENDS})
  if(NOT ARG_NO_PCH)
    moe_use_pch(${name})
  endif()
  add_dependencies(moe-tools ${name})
  set_property(GLOBAL APPEND PROPERTY MOE_TOOLS ${name})
endfunction()

function(moe_add_plain_tool name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE moe_plain_flags ${ARG_LINK_LIBS})
  add_dependencies(moe-tools ${name})
  set_property(GLOBAL APPEND PROPERTY MOE_TOOLS ${name})
endfunction()

# Unit tests lie in test/Unit of the build tree, where lit looks for names that end in Tests.
function(moe_add_unittest name)
  cmake_parse_arguments(ARG "PLAIN" "" "LINK_LIBS;MLIR_LIBS" ${ARGN})
  if(NOT name MATCHES "Tests$")
    message(FATAL_ERROR "moe_add_unittest: the name must end in Tests, got ${name}")
  endif()
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_PLAIN)
    target_link_libraries(${name} PRIVATE moe_plain_flags ${ARG_LINK_LIBS} GTest::gtest GTest::gtest_main)
  else()
    target_link_libraries(${name} PRIVATE moe_mlir_flags ${ARG_LINK_LIBS} GTest::gtest GTest::gtest_main)
    moe_link_mlir(${name} MLIR_LIBS ${ARG_MLIR_LIBS})
    add_dependencies(${name} moe-headers)
    moe_use_pch(${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/test/Unit")
  target_compile_definitions(${name} PRIVATE MOE_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}/test")
  add_dependencies(moe-test-depends ${name})
endfunction()
