# Toolchain for aarch64 on another machine (Debian: g++-aarch64-linux-gnu and qemu-user); `make neon` uses it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
find_program(CMAKE_CXX_COMPILER NAMES aarch64-linux-gnu-g++ aarch64-linux-gnu-g++-14 aarch64-linux-gnu-g++-13
                                      aarch64-linux-gnu-g++-12 aarch64-linux-gnu-g++-11 REQUIRED)
find_program(ASAP_QEMU qemu-aarch64 REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${ASAP_QEMU} -L /usr/aarch64-linux-gnu)
