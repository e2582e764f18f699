# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `cmake --install`: the tools, the runtime library with its header, and what find_package(MoE) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(moe_tools GLOBAL PROPERTY MOE_TOOLS)
if(moe_tools)
  install(TARGETS ${moe_tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
