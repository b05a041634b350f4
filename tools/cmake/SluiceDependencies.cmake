# Everything Sluice stands on, from the distribution's packages (tools/setup installs them).

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf 3.21 REQUIRED) # Module mode, and before gRPC.
find_package(absl CONFIG REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_package(Snappy CONFIG REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

if(SLUICE_BUILD_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
endif()

# Standalone Asio is headers only. Clang needs to be told that it has coroutines. Whether Asio 1.22 allocates with
# aligned_alloc hangs on which header came before it: without a decision, memory of one source file's kind is freed as
# another's.
add_library(sluice_asio INTERFACE)
find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
target_include_directories(sluice_asio SYSTEM INTERFACE ${ASIO_INCLUDE_DIR})
target_compile_definitions(sluice_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
  ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1 ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(sluice_asio INTERFACE Threads::Threads)
