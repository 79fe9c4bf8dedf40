#include "asap/trace/file.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace asap {

void TraceFile::write(std::span<const TraceRecord> records) {
  for (auto rest = std::as_bytes(records); !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0)
      rest = rest.subspan(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "the trace could not be written");
  }
}

}  // namespace asap
