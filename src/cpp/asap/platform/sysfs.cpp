#include "asap/platform/sysfs.h"

#include <charconv>
#include <fstream>

namespace asap::sysfs {
namespace {

/// Takes a number off the front of the text.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return number;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<std::string> read_word(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string word;
  if (stream >> word) return word;
  return std::nullopt;
}

std::optional<std::size_t> read_number(const std::filesystem::path& file) {
  const auto word = read_word(file);
  if (!word) return std::nullopt;
  std::string_view text = *word;
  return take_number(text);
}

std::vector<std::size_t> read_list(const std::filesystem::path& file) {
  const auto word = read_word(file);
  return word ? parse_list(*word) : std::vector<std::size_t>{};
}

std::vector<std::size_t> parse_list(std::string_view text) {
  std::vector<std::size_t> numbers;
  do {
    const auto first = take_number(text);
    const auto last = first && take(text, '-') ? take_number(text) : first;
    if (!last) break;
    for (std::size_t number = *first; number <= *last; ++number) numbers.push_back(number);
  } while (take(text, ','));
  return numbers;
}

std::string format_list(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (std::size_t first = 0, last = 0; first < numbers.size(); first = last + 1) {
    last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(numbers[first]);
    if (last > first) text += '-' + std::to_string(numbers[last]);
  }
  return text;
}

}  // namespace asap::sysfs
