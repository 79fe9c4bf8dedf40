#include "asap/trace/spiller.h"

namespace asap {

Spiller::Spiller(std::size_t workers, TraceSink& sink, std::function<void()> on_failure)
    : sink_(sink), on_failure_(std::move(on_failure)) {
  for (std::size_t worker = 0; worker < workers; ++worker)
    logs_.emplace_back(static_cast<std::uint16_t>(worker), bell_);
}

void Spiller::start() {
  thread_ = std::thread([this] { spill(); });
}

Spiller::~Spiller() { stop(); }

void Spiller::finish() noexcept {
  stop();
  for (TraceLog& log : logs_) log.flush([this](std::span<const TraceRecord> records) { write(records); });
}

void Spiller::spill() {
  while (!stopping_.load(std::memory_order_relaxed)) {  // guards no data: the join orders what comes behind it
    const std::uint32_t rung = bell_.count();
    for (TraceLog& log : logs_) log.spill([this](std::span<const TraceRecord> records) { write(records); });
    if (!stopping_.load(std::memory_order_relaxed)) bell_.wait_beyond(rung);
  }
}

void Spiller::write(std::span<const TraceRecord> records) noexcept {
  if (failed_) return;
  try {
    sink_.write(records);
  } catch (...) {
    failed_ = true;
    on_failure_();
  }
}

void Spiller::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_relaxed);
  bell_.ring();
  thread_.join();
}

std::uint64_t Spiller::num_records() const {
  std::uint64_t sum = 0;
  for (const TraceLog& log : logs_) sum += log.num_added();
  return sum;
}

std::uint64_t Spiller::stalls() const {
  std::uint64_t sum = 0;
  for (const TraceLog& log : logs_) sum += log.stalls();
  return sum;
}

}  // namespace asap
