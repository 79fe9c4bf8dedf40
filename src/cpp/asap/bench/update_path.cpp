// The update path: whole parameter vectors, read and written once.
#include "asap/bench/cases.h"
#include "asap/kernels/reference.h"

namespace asap::bench {
namespace {

using namespace kernels;
using Buffer = AlignedBuffer<float>;

const Table& table() { return active(); }

constexpr float kMomentum = 0.9f;

/// θ' = θ − η·g, θ' being θ itself or another vector; with a velocity where there is momentum. The rate is large enough
/// for the check to see the step, and small enough for θ to stay finite under all the updates that are timed.
struct Advance {
  Advance(std::size_t n, bool in_place, bool has_momentum)
      : momentum(has_momentum),
        gradient(normal(n, 1)),
        theta(normal(n, 2)),
        velocity(has_momentum ? n : 0),
        other(in_place ? 0 : n),
        other_velocity(in_place || !has_momentum ? 0 : n),
        start(normal(n, 2)) {}

  void run() {
    float* u = momentum ? velocity.data() : nullptr;
    const bool in_place = other.size() == 0;
    table().advance(theta.size(), kCoefficients, gradient.data(), theta.data(), u,
                    in_place ? theta.data() : other.data(), in_place || !momentum ? u : other_velocity.data());
  }

  void check(const std::string& name) const {
    Buffer expected(theta.size()), zeros(velocity.size()), expected_velocity(velocity.size());
    reference::advance(theta.size(), kCoefficients.rate, kCoefficients.scale, kCoefficients.momentum, gradient.data(),
                       start.data(), momentum ? zeros.data() : nullptr, expected.data(),
                       momentum ? expected_velocity.data() : nullptr);
    const bool in_place = other.size() == 0;
    expect_close(name, (in_place ? theta : other).span(), expected.span());
    if (momentum)
      expect_close(name + ", velocity", (in_place ? velocity : other_velocity).span(), expected_velocity.span());
  }

  static constexpr Coefficients kCoefficients{.rate = 0.5f, .scale = 1, .momentum = kMomentum};
  bool momentum;
  Buffer gradient, theta, velocity, other, other_velocity, start;
};

struct Vectors {
  explicit Vectors(std::size_t n) : x(normal(n, 1)), y(normal(n, 2)), start(normal(n, 2)), bytes(n, 100) {}

  void copy() { table().copy(x.size(), x.data(), y.data()); }
  void check_copy(const std::string& name) const { expect_close(name, y.span(), x.span(), 0.0); }

  void accumulate() { table().accumulate(x.size(), 0.5f, x.data(), y.data()); }
  void check_accumulate(const std::string& name) const {
    Buffer expected(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) expected[i] = start[i] + 0.5f * x[i];
    expect_close(name, y.span(), expected.span());
  }

  void scale() { table().scale_bytes(bytes.size(), bytes.data(), 0.5f, y.data()); }
  void check_scale(const std::string& name) const {
    expect_close(name, y.span(), std::vector<float>(bytes.size(), 50.0f), 0.0);
  }

  void find_finite() { finite = table().all_finite(x.size(), x.data()); }
  void check_finite(const std::string& name) const {
    if (!finite) throw WrongAnswer(name + " is wrong: the values are finite");
  }

  Buffer x, y, start;
  std::vector<std::uint8_t> bytes;
  volatile bool finite = false;
};

}  // namespace

Cases update_path() {
  Cases cases;
  for (const std::size_t n : {34622u, 134794u, 1000000u}) {
    const std::string size = " d=" + std::to_string(n);
    const auto advance = [&](const char* name, StreamMix mix, bool in_place, bool momentum) {
      cases.push_back(make_case(
          name + size, pass(mix, n), [=] { return std::make_shared<Advance>(n, in_place, momentum); }, &Advance::run,
          &Advance::check));
    };
    const auto vectors = [n] { return std::make_shared<Vectors>(n); };
    const auto add = [&](const char* name, const Work& work, void (Vectors::*run)(),
                         void (Vectors::*check)(const std::string&)
                             const) { cases.push_back(make_case(name + size, work, vectors, run, check)); };
    add("copy", pass({1, 0, 1}, n), &Vectors::copy, &Vectors::check_copy);
    advance("update in place", {1, 1, 0}, true, false);
    advance("update out of place", {2, 0, 1}, false, false);
    advance("update in place, momentum", {1, 2, 0}, true, true);
    advance("update out of place, momentum", {3, 0, 2}, false, true);
    add("accumulate", pass({1, 1, 0}, n), &Vectors::accumulate, &Vectors::check_accumulate);
    add("all finite", pass({1, 0, 0}, n), &Vectors::find_finite, &Vectors::check_finite);
    add("bytes to floats", pass({1, 0, 4}, n / 4), &Vectors::scale, &Vectors::check_scale);
  }
  return cases;
}

}  // namespace asap::bench
