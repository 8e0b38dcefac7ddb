# find_package(castline): castline::castline is the shared library, castline::static the static one. May be moved with its prefix.
get_filename_component(_castline_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET castline::castline)
  add_library(castline::castline SHARED IMPORTED)
  set_target_properties(castline::castline PROPERTIES
    IMPORTED_LOCATION "${_castline_prefix}/lib/libcastline.so"
    IMPORTED_SONAME "libcastline.so.@ABI@"
    INTERFACE_INCLUDE_DIRECTORIES "${_castline_prefix}/include")
endif()

if(NOT TARGET castline::static)
  add_library(castline::static STATIC IMPORTED)
  set_target_properties(castline::static PROPERTIES
    IMPORTED_LOCATION "${_castline_prefix}/lib/libcastline.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_castline_prefix}/include"
    INTERFACE_LINK_LIBRARIES "gcc_s;util;rt;pthread;m;dl;c")
endif()

unset(_castline_prefix)
