# Compile options of every target, on the interface target asap_options.
find_package(Threads REQUIRED)

add_library(asap_options INTERFACE)
target_compile_features(asap_options INTERFACE cxx_std_20)
target_compile_options(asap_options INTERFACE -fvisibility=hidden)
if(ASAP_DEVELOPER)
  target_compile_options(asap_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
endif()
if(ASAP_SANITIZE)
  target_compile_options(asap_options INTERFACE -fsanitize=${ASAP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(asap_options INTERFACE -fsanitize=${ASAP_SANITIZE})
endif()
