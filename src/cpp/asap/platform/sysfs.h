// The kernel's small text files: one value each, and lists of numbers such as "0-3,8".
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace asap::sysfs {

/// Where Linux shows what it knows of the machine. Every reader takes another root, so that any machine can be tested
/// on any other from a copy of its files.
inline constexpr const char* kRoot = "/sys";

/// The first word, or nothing where there is none.
std::optional<std::string> read_word(const std::filesystem::path& file);

/// The number at the beginning, or nothing: no such file, or a sign in front (−1 stands for "unknown").
std::optional<std::size_t> read_number(const std::filesystem::path& file);

/// A list of numbers; empty where there is none.
std::vector<std::size_t> read_list(const std::filesystem::path& file);

/// {0, 1, 2, 3, 8} for "0-3,8". Reads up to the first thing that is no such list.
std::vector<std::size_t> parse_list(std::string_view text);

/// "0-3,8" for {0, 1, 2, 3, 8}: ascending numbers, runs drawn together.
std::string format_list(const std::vector<std::size_t>& numbers);

}  // namespace asap::sysfs
