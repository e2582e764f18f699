# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `cmake --install`: the tools, the runtime library with its header, and what find_package(MoE) reads. The compiler's own
# static libraries and headers stay behind: they have no stable API to offer.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(moe_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/MoE")

# As a directory's include path would, but for the installed copy of the header.
target_include_directories(moe_runtime INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(moe_runtime PROPERTIES EXPORT_NAME runtime)
install(TARGETS moe_runtime EXPORT MoETargets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/include/moe/Runtime/Device.h" "${PROJECT_SOURCE_DIR}/include/moe/Runtime/Runtime.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/moe/Runtime")

get_property(moe_tools GLOBAL PROPERTY MOE_TOOLS)
if(moe_tools)
  install(TARGETS ${moe_tools} EXPORT MoETargets RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

install(EXPORT MoETargets NAMESPACE MoE:: DESTINATION "${moe_cmake_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/MoEConfig.cmake.in" "${PROJECT_BINARY_DIR}/MoEConfig.cmake"
  INSTALL_DESTINATION "${moe_cmake_dir}"
  PATH_VARS CMAKE_INSTALL_BINDIR)
# Before 1.0 a minor release may change the C ABI.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/MoEConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/MoEConfig.cmake" "${PROJECT_BINARY_DIR}/MoEConfigVersion.cmake"
  DESTINATION "${moe_cmake_dir}")
