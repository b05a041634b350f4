# Compiler settings that every target of ours shares, and the options a person may set.

option(SLUICE_BUILD_TESTS "Build the tests, fuzzers and benchmarks" ON)
set(SLUICE_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(sluice_flags INTERFACE)
target_compile_options(sluice_flags INTERFACE
  -Wall -Wextra -Wconversion -Werror -Wno-missing-field-initializers  # Designated initialisers leave the rest out on purpose.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
# Hardening that costs nothing measurable: bounds checks in libstdc++, fortified libc calls.
target_compile_definitions(sluice_flags INTERFACE _GLIBCXX_ASSERTIONS)
if(NOT SLUICE_SANITIZE)
  target_compile_definitions(sluice_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()

if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
endif()
if(SLUICE_SANITIZE STREQUAL thread)
  # The instrumented Abseil that tools/tsan-abseil makes, for us and for the libraries that use Abseil too.
  add_link_options(-Wl,--disable-new-dtags,-rpath,${PROJECT_SOURCE_DIR}/build/tsan-abseil/lib)
endif()
