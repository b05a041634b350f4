# sluice_folder(TARGET FOLDER [AS PATH]) lets whoever links TARGET include FOLDER's headers by their path from
# the top of the tree (or as PATH). The include root holds that one folder, as a symbolic link, so a header of
# a folder that was not linked is a compile error: that is how the direction of the includes is kept.
function(sluice_folder target folder)
  cmake_parse_arguments(ARG "" "AS" "" ${ARGN})
  if(NOT ARG_AS)
    set(ARG_AS ${folder})
  endif()
  set(root ${CMAKE_BINARY_DIR}/include/${target})
  cmake_path(GET ARG_AS PARENT_PATH parent)
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${root}/${ARG_AS} SYMBOLIC)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${root}>)
endfunction()

# sluice_library(NAME FOLDER path SOURCES... LINK public... PRIVATE_LINK private...): one folder, one static library.
function(sluice_library name)
  cmake_parse_arguments(ARG "" "FOLDER" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  sluice_folder(${name} ${ARG_FOLDER})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK} $<BUILD_INTERFACE:sluice_flags>)
endfunction()

# sluice_test(NAME SOURCES... LINK targets... [TIMEOUT seconds]): one GoogleTest program, each of its tests known to ctest.
include(GoogleTest)
function(sluice_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main sluice_flags)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
