// Records on their way from the workers to the sink: none is lost, memory is bounded, a sink that fails ends the run.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "asap/trace/file.h"
#include "asap/trace/spiller.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "quadratic.h"

namespace {

using namespace asap;

Receipt receipt(Version version) {
  return {.outcome = Outcome::published, .read = version, .replaced = version, .attempts = 1, .scale = 1.0};
}

/// Takes its time, so that workers have to wait.
struct SlowSink : TraceSink {
  void write(std::span<const TraceRecord> records) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    memory.write(records);
  }
  TraceMemory memory;
};

struct FullDisk : TraceSink {
  void write(std::span<const TraceRecord>) override { throw std::runtime_error("no space left"); }
};

/// Each worker's records, put together again in the order in which they arrived.
void check_order(const std::vector<TraceRecord>& records, std::size_t workers, std::uint64_t each) {
  std::vector<std::uint64_t> next(workers);
  for (const TraceRecord& record : records) CHECK_EQUAL(record.batch, next[record.worker]++);
  for (const std::uint64_t count : next) CHECK_EQUAL(count, each);
}

std::uint64_t stalls_of(TraceSink& sink, std::size_t workers, std::uint64_t each) {
  Spiller spiller(workers, sink, [] { CHECK(false); });
  spiller.start();
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < workers; ++worker)
    threads.emplace_back([&, worker] {
      for (std::uint64_t i = 0; i < each; ++i) spiller.log(worker).add(i, receipt(i));
    });
  for (std::thread& thread : threads) thread.join();
  spiller.finish();
  CHECK_EQUAL(spiller.num_records(), workers * each);
  return spiller.stalls();
}

}  // namespace

TEST(every_record_arrives_once_in_its_workers_order) {
  for (const std::size_t workers : {1, 2, 8})
    for (const std::uint64_t each : {0, 1, 1023, 1024, 1025, 2048, 2049, 10000}) {
      TraceMemory memory;
      stalls_of(memory, workers, each);
      check_order(memory.records, workers, each);
    }
}

TEST(a_worker_waits_for_a_slow_sink_and_loses_nothing) {
  SlowSink sink;
  CHECK(stalls_of(sink, 3, 10 * TraceLog::kBlock) > 0);
  check_order(sink.memory.records, 3, 10 * TraceLog::kBlock);
}

TEST(a_record_says_what_became_of_a_gradient) {
  const TraceRecord record = trace_record(
      5, 3, {.outcome = Outcome::dropped, .read = 7, .replaced = 9, .attempts = std::uint64_t{1} << 40, .scale = 0.25});
  CHECK_EQUAL(record.batch, 5u);
  CHECK_EQUAL(record.tau(), 2u);
  CHECK_EQUAL(record.scale, 0.25);
  CHECK_EQUAL(record.worker, 3u);
  CHECK_EQUAL(record.attempts, 0xffffffffu);
  CHECK(record.outcome == Outcome::dropped && !record.changed_parameters());
}

TEST(a_sink_that_fails_ends_the_run_with_its_exception) {
  const Quadratic quadratic(3, 100);
  for (const std::uint64_t updates : {10u, 100000u}) {  // at the end, and in the middle
    FullDisk disk;
    std::vector<float> theta(3);
    CHECK_THROWS(std::runtime_error,
                 train(quadratic, theta, {.workers = 4, .batch_size = 1, .updates = updates, .trace = &disk}),
                 "no space left");
    CHECK(theta != std::vector<float>(3));
  }
}

TEST(a_file_holds_the_records_as_they_are) {
  std::FILE* file = std::tmpfile();
  TraceFile sink(fileno(file));
  stalls_of(sink, 2, 3000);
  std::vector<TraceRecord> records(6001);
  std::rewind(file);
  CHECK_EQUAL(std::fread(records.data(), sizeof(TraceRecord), records.size(), file), 6000u);
  std::fclose(file);
  records.pop_back();
  check_order(records, 2, 3000);
  TraceFile closed(-1);
  CHECK_THROWS(std::system_error, closed.write(records), "the trace could not be written");
}

TEST(the_trace_changes_nothing_of_a_run) {
  const Quadratic quadratic(37, 50);
  std::vector<float> plain(37, 1.0f), traced(37, 1.0f);
  TraceMemory memory;
  TrainOptions options{.batch_size = 7, .epochs = 20, .momentum = 0.9};
  CHECK(!train(quadratic, plain, options).trace);
  options.trace = &memory;
  const Report report = train(quadratic, traced, options);
  CHECK_EQUAL(report.trace->records, 160u);
  CHECK_EQUAL(memory.records.size(), 160u);
  CHECK(plain == traced);
}
