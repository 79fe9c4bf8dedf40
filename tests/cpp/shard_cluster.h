// The servers of the shards of one vector, and their learners, in one thread: who does what next, and who dies of it,
// falls by dice.
#pragma once

#include <deque>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "asap/server/learner.h"
#include "asap/server/parameter_server.h"
#include "check.h"
#include "dice.h"

namespace shards_test {

using namespace asap;
using namespace asap::server;

/// Where a vector is cut, and which of its shards leads.
struct Cut {
  std::vector<std::size_t> sizes;
  std::size_t lead = 0;
};

inline Cut random_cut(Dice& dice, std::size_t parameters, std::size_t shards) {
  Cut cut{std::vector<std::size_t>(shards, 1), dice.below(shards)};
  for (std::size_t left = parameters - shards; left > 0;) {
    const std::size_t more = dice.within(1, left);
    cut.sizes[dice.below(shards)] += more;
    left -= more;
  }
  return cut;
}

/// What may go wrong, in per cent: with each step of a learner, and with each gradient that comes to a shard.
struct Trouble {
  std::uint64_t dies = 0, repeated = 0;
};

/// The gradient of the whole vector, and which version of each shard it was computed on.
struct Letter {
  std::size_t worker = 0;
  std::uint64_t batch = 0;
  double loss = 0;
  std::vector<Version> read;
  std::vector<float> gradient;
};

struct Shard {
  Shard(TrainOptions with, std::uint64_t num_samples, std::span<const float> theta, std::size_t place, Role role)
      : options(traced(std::move(with))),
        first(place),
        server(num_samples, theta, options, kMostWorkers, observer, role) {}

  static constexpr std::size_t kMostWorkers = 8;

  TrainOptions traced(TrainOptions with) {
    with.trace = &trace;
    return with;
  }

  TraceMemory trace;
  const TrainOptions options;
  const std::size_t first;  // of its parameters in the whole vector
  Observer observer;
  ParameterServer server;
};

/// Learners take a batch from the lead, read the shards in any order, bring the gradient to them in any order, and to
/// the lead last. Between any two of these steps others do theirs, and the learner may die: all are told, one after the
/// other, and half of the gradients of the dead are only late, at some of the shards.
class Cluster {
 public:
  Cluster(const Objective& objective, const Cut& cut, const std::vector<float>& theta, const TrainOptions& options,
          std::uint64_t seed, Trouble trouble = {}, const std::vector<Checkpoint>* resume = nullptr)
      : objective_(objective),
        lead_(cut.lead),
        trouble_(trouble),
        dice_(seed),
        learner_(objective, options),
        learners_(options.workers) {
    std::size_t first = 0;
    for (std::size_t i = 0; i < cut.sizes.size(); ++i) {
      TrainOptions own = options;
      own.resume = resume ? &(*resume)[i] : nullptr;
      shards_.emplace_back(own, objective.num_samples(), std::span(theta).subspan(first, cut.sizes[i]), first,
                           i == lead_ ? Role::lead : Role::shard);
      first += cut.sizes[i];
    }
  }

  /// Until the run is over, or `until` says so after a turn.
  template <class Until>
  void run(Until&& until) {
    for (std::uint64_t turns = 0; !lead().is_over(); ++turns) {
      turn();
      if (until()) return;
      if (turns == kTooLong) return check::fail(__FILE__, __LINE__, "a run that does not end");
    }
  }
  void run() {
    run([] { return false; });
  }

  /// Somebody does the next step, something late arrives, or a shard follows.
  void turn() {
    if (dice_.once_in(4)) arrive_late();
    if (dice_.once_in(8)) follow(dice_.below(shards_.size()));
    step(dice_.below(learners_.size()));
    for (const Shard& shard : shards_) CHECK(shard.server.rounds() <= lead().rounds());
  }

  /// The lead hands out nothing, and takes nothing, until it may again.
  void pause(bool paused) { paused_ = paused; }

  void follow(std::size_t i) {
    if (i != lead_) server(i).follow(lead().rounds());
  }

  /// From the next round on. Whoever is behind begins its present one as the lead did.
  void resize(std::size_t workers) {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      follow(i);
      server(i).resize(workers);
    }
  }

  /// As a caller ends a run. Reports of all shards.
  std::vector<Report> finish() {
    for (std::size_t i = 0; i < shards_.size(); ++i) follow(i);
    std::vector<Report> reports;
    theta_.resize(objective_.num_parameters());
    for (Shard& shard : shards_)
      reports.push_back(shard.server.finish(std::span(theta_).subspan(shard.first, shard.server.num_parameters())));
    return reports;
  }

  std::size_t size() const { return shards_.size(); }
  std::size_t lead_place() const { return lead_; }
  ParameterServer& lead() { return shards_[lead_].server; }
  ParameterServer& server(std::size_t i) { return shards_[i].server; }
  const Shard& shard(std::size_t i) const { return shards_[i]; }
  const std::vector<TraceRecord>& records(std::size_t i) const { return shards_[i].trace.records; }
  const std::vector<float>& theta() const { return theta_; }  ///< when it has finished
  std::uint64_t refused() const { return refused_; }

 private:
  static constexpr std::uint64_t kTooLong = 200'000;

  struct Task {
    Letter letter;
    std::vector<float> theta;                // as far as it has read
    std::vector<std::size_t> unread, owing;  // the shards, without the lead among those to which it owes its gradient
  };
  struct Learner {
    std::optional<Task> task;
    std::vector<std::size_t> untold;  // shards that do not know that the last one here is dead
  };
  struct Late {
    std::shared_ptr<const Letter> letter;
    std::size_t to;
  };

  void step(std::size_t worker) {
    auto& [task, untold] = learners_[worker];
    if (!untold.empty()) return server(pick(untold)).lose(worker);
    if (!task) return begin(worker);
    if (dice_.below(100) < trouble_.dies) return die(worker);
    if (!task->unread.empty()) return read(*task, pick(task->unread));
    if (!task->owing.empty()) return bring(task->letter, pick(task->owing));
    CHECK(all_others_have(task->letter.batch));  // whoever lives is refused only what somebody else has brought
    if (paused_) return;
    bring(task->letter, lead_);
    CHECK(lead().has(task->letter.batch) || lead().is_over());
    task.reset();
  }

  void begin(std::size_t worker) {
    if (paused_) return;
    const auto batch = lead().take(worker);
    if (!batch) return;
    Task task{.letter = {.worker = worker, .batch = *batch, .loss = 0, .read = {}, .gradient = {}},
              .theta = std::vector<float>(objective_.num_parameters()),
              .unread = all(),
              .owing = all()};
    std::erase(task.owing, lead_);
    task.letter.read.resize(shards_.size());
    learners_[worker].task = std::move(task);
  }

  void read(Task& task, std::size_t i) {
    if (i != lead_) server(i).hold(task.letter.worker, task.letter.batch);
    follow(i);
    task.letter.read[i] = server(i).version();
    std::copy_n(server(i).parameters(), server(i).num_parameters(), task.theta.begin() + place_of(i));
    if (task.unread.empty()) compute(task);
  }

  void compute(Task& task) {
    Letter& letter = task.letter;
    letter.gradient.resize(task.theta.size());
    letter.loss = learner_.gradient(letter.batch, task.theta.data(), letter.gradient.data());
    for (const float g : letter.gradient)  // no shard sees more than its part
      if (!std::isfinite(g)) letter.loss = std::numeric_limits<double>::quiet_NaN();
  }

  void die(std::size_t worker) {
    auto& [task, untold] = learners_[worker];
    untold = all();
    if (task->unread.empty() && dice_.once_in(2)) {
      const auto letter = std::make_shared<const Letter>(std::move(task->letter));
      for (const std::size_t i : all())
        if (dice_.once_in(2)) late_.push_back({letter, i});
    }
    task.reset();
  }

  void bring(const Letter& letter, std::size_t to) {
    deliver(letter, to);
    if (dice_.below(100) < trouble_.repeated) late_.push_back({std::make_shared<const Letter>(letter), to});
  }

  void arrive_late() {
    if (late_.empty()) return;
    std::swap(late_[dice_.below(late_.size())], late_.back());
    const Late late = late_.back();
    if (late.to == lead_ && (paused_ || !all_others_have(late.letter->batch))) return;
    late_.pop_back();
    deliver(*late.letter, late.to);
  }

  void deliver(const Letter& letter, std::size_t to) {
    refused_ += !server(to).receive(
        {letter.batch, letter.worker, letter.read[to], letter.loss, letter.gradient.data() + place_of(to)});
  }

  bool all_others_have(std::uint64_t batch) {
    for (std::size_t i = 0; i < shards_.size(); ++i)
      if (i != lead_ && !server(i).has(batch) && !server(i).is_over()) return false;
    return true;
  }

  std::size_t pick(std::vector<std::size_t>& of) {
    std::swap(of[dice_.below(of.size())], of.back());
    const std::size_t picked = of.back();
    of.pop_back();
    return picked;
  }

  std::vector<std::size_t> all() const {
    std::vector<std::size_t> places(shards_.size());
    std::iota(places.begin(), places.end(), 0);
    return places;
  }

  std::ptrdiff_t place_of(std::size_t i) const { return static_cast<std::ptrdiff_t>(shards_[i].first); }

  const Objective& objective_;
  const std::size_t lead_;
  const Trouble trouble_;
  Dice dice_;
  asap::server::Learner learner_;
  std::deque<Shard> shards_;
  std::vector<Learner> learners_;
  std::vector<Late> late_;
  bool paused_ = false;
  std::vector<float> theta_;
  std::uint64_t refused_ = 0;
};

}  // namespace shards_test
