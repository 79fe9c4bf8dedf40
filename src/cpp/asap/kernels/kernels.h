// Kernels: the arithmetic of the hot path, one table of functions per instruction set, chosen when first used.
//
// Layouts. Activations come in two:
//   rows   [samples][features]                     dense layers: the vector runs along the features
//   lanes  [groups][channel][row][column][lane]    convolution and pooling: the vector runs along `lanes` samples
// with groups = ceil(samples / lanes). The lanes past the last sample hold zeros in gradients, so that sums over all
// lanes are sums over the samples, and any finite numbers in activations (a convolution writes its bias there).
// Dense weights are [inputs][outputs], convolution weights [filter][channel][row][column], all row-major float32.
//
// Contracts. No kernel reads or writes outside the arrays described here, allocates, locks or throws. Sizes may be odd.
// Pointers need only the alignment of float unless said otherwise; arrays must not overlap unless said otherwise.
// Thread-safety: functions of their arguments only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace asap::kernels {

enum class Isa { baseline, avx2, avx512, neon };

enum class Activation { identity, relu, tanh };

/// What a gradient does with the numbers at its destination: take their place, or be added to them.
enum class Write { replace, add };

/// c[m][n] = mask(activation(op(a)·op(b) + bias)), op(a) is m×k, op(b) is k×n. Stored row-major without gaps:
/// a is [m][k] ([k][m] when transpose_a), b is [k][n] ([n][k] when transpose_b).
struct Gemm {
  bool transpose_a = false, transpose_b = false;
  std::size_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  const float* bias = nullptr;  ///< [n], or nullptr for none
  Activation activation = Activation::identity;
  const float* mask = nullptr;  ///< [m][n] or nullptr: c is 0 where the mask is not positive (a rectifier's derivative)
  Write write = Write::replace;  ///< add: c += the product, then neither bias, nor activation, nor mask
  float* c = nullptr;
  float* scratch = nullptr;  ///< gemm_scratch(*this) floats, 64-byte aligned; may be nullptr when that is 0
};

/// A "valid" convolution with stride 1: output is [filters][height - window + 1][width - window + 1].
struct Convolution {
  std::size_t channels = 0, height = 0, width = 0, filters = 0, window = 0;
  constexpr std::size_t out_height() const { return height - window + 1; }
  constexpr std::size_t out_width() const { return width - window + 1; }
  constexpr std::size_t inputs() const { return channels * height * width; }
  constexpr std::size_t outputs() const { return filters * out_height() * out_width(); }
  constexpr std::size_t weights() const { return filters * channels * window * window; }
};

/// Max pooling over window×window squares, stride = window; rows and columns that do not fill a square are ignored.
struct Pooling {
  std::size_t channels = 0, height = 0, width = 0, window = 0;
  constexpr std::size_t out_height() const { return height / window; }
  constexpr std::size_t out_width() const { return width / window; }
  constexpr std::size_t inputs() const { return channels * height * width; }
  constexpr std::size_t outputs() const { return channels * out_height() * out_width(); }
};

/// One update's numbers. Without momentum (velocity arrays null): θ' = θ − (rate·scale)·g.
/// With momentum: u' = momentum·u + scale·g, θ' = θ − rate·u'.
struct Coefficients {
  float rate = 0, scale = 1, momentum = 0;
};

/// What a pass over memory does, in arrays of the same size: some are read, some read and written, some written.
struct StreamMix {
  std::size_t reads = 0, updates = 0, writes = 0;
};

/// The mixes that Table::stream knows: a sum, a copy, a scaling, updates in place, in place with a copy and out of
/// place, in place and out of place with momentum, bytes to floats, pooling.
inline constexpr StreamMix kStreamMixes[] = {{1, 0, 0}, {1, 0, 1}, {0, 1, 0}, {1, 1, 0}, {1, 1, 1},
                                             {2, 0, 1}, {1, 2, 0}, {3, 0, 2}, {1, 0, 4}, {4, 0, 1}};

/// A pass over memory.
struct Streams {
  static constexpr std::size_t kMultiple = 128, kForms = 3;
  StreamMix mix;                   ///< one of kStreamMixes
  std::size_t n = 0;               ///< floats of each array; a multiple of kMultiple
  float* const* arrays = nullptr;  ///< those that are read, then those that are updated, then those that are written
  std::size_t form = 0;            ///< 0 … kForms − 1: how far the loop is unrolled
};

inline constexpr std::size_t kMaxLanes = 16;  ///< of any instruction set

/// The kernels of one instruction set.
struct Table {
  Isa isa;
  std::string_view name;  ///< "baseline", "avx2", "avx512", "neon"
  std::size_t lanes;      ///< samples per group in the lanes layout, at most kMaxLanes

  // --- dense layers (rows)
  std::size_t (*gemm_scratch)(const Gemm&);  ///< floats; looks at the sizes only, and smaller ones need no more
  void (*gemm)(const Gemm&);
  /// bias_gradient[n] = column sums of d_output[rows][n], or += them.
  void (*bias_gradient)(std::size_t rows, std::size_t n, const float* d_output, Write, float* bias_gradient);

  // --- element-wise (either layout)
  void (*activate)(Activation, std::size_t n, const float* x, float* y);  ///< y may be x
  /// d_x = d_y ⊙ activation'(·), the derivative taken from the activation's *output* y; d_x may be d_y.
  void (*activate_backward)(Activation, std::size_t n, const float* y, const float* d_y, float* d_x);

  // --- losses (rows). d_output may be nullptr (evaluation). `weight` multiplies the gradient (1/samples for a mean).
  /// Σ_i −log softmax(output_i)[label_i]; d_output = weight·(softmax − onehot). Labels must lie in [0, classes).
  double (*softmax_cross_entropy)(std::size_t rows, std::size_t classes, const float* output,
                                  const std::int32_t* labels, float weight, float* d_output);
  /// Σ_i (1/n)·‖output_i − target_i‖²; d_output = weight·(2/n)·(output − target).
  double (*squared_error)(std::size_t rows, std::size_t n, const float* output, const float* target, float weight,
                          float* d_output);
  /// probability = softmax of each row; may be in place.
  void (*softmax)(std::size_t rows, std::size_t classes, const float* output, float* probability);

  // --- convolution and pooling (lanes). `groups` lane groups; arrays are 64-byte aligned. bias may be nullptr.
  void (*conv_forward)(const Convolution&, std::size_t groups, const float* input, const float* weights,
                       const float* bias, Activation, float* output);
  std::size_t (*conv_backward_scratch)(const Convolution&);  ///< floats, for both backward kernels
  void (*conv_backward_weights)(const Convolution&, std::size_t groups, const float* input, const float* d_output,
                                Write, float* d_weights, float* d_bias, float* scratch);
  void (*conv_backward_data)(const Convolution&, std::size_t groups, const float* d_output, const float* weights,
                             float* d_input, float* scratch);
  /// Convolution, activation (identity or relu) and max pooling over 2×2 squares at once: output is [filters]
  /// [out_height / 2][out_width / 2]. Rows and columns of the convolution that fill no square are not computed.
  /// winners, of the same layout: which output of the square won, 0 … 3 in row-major order, the first of equal maxima;
  /// or 4 for none, where the rectifier gave 0, so that its derivative is in it already.
  void (*conv_pool_forward)(const Convolution&, std::size_t groups, const float* input, const float* weights,
                            const float* bias, Activation, float* output, std::int16_t* winners);
  std::size_t (*conv_pool_backward_scratch)(const Convolution&);  ///< floats
  /// The gradients by weights, bias and, unless d_input is nullptr, input.
  void (*conv_pool_backward)(const Convolution&, std::size_t groups, const float* input, const std::int16_t* winners,
                             const float* d_output, const float* weights, Write, float* d_weights, float* d_bias,
                             float* d_input, float* scratch);
  void (*pool_forward)(const Pooling&, std::size_t groups, const float* input, float* output);
  /// The gradient goes to the first maximum of each square in row-major order (input and output as in pool_forward).
  void (*pool_backward)(const Pooling&, std::size_t groups, const float* input, const float* output,
                        const float* d_output, float* d_input);

  // --- layout. lanes_from_rows writes zeros into the lanes past the last sample.
  void (*lanes_from_rows)(std::size_t samples, std::size_t features, const float* rows, float* lanes);
  void (*rows_from_lanes)(std::size_t samples, std::size_t features, const float* lanes, float* rows);

  // --- input path
  void (*scale_bytes)(std::size_t n, const std::uint8_t* bytes, float scale, float* values);  ///< values = scale·bytes
  /// One group in the lanes layout, [channel][pixel][lane] = scale·bytes[lane][pixel][channel], of `samples` ≤ lanes
  /// images; zeros in the lanes past the last one. Images that are planar in memory have one channel of all features.
  void (*lanes_from_bytes)(std::size_t samples, const std::uint8_t* const* bytes, std::size_t pixels,
                           std::size_t channels, float scale, float* lanes);

  // --- update path. The arithmetic of every engine: one formula per element, the same bits in place and out of place.
  void (*copy)(std::size_t n, const float* from, float* to);
  void (*accumulate)(std::size_t n, float weight, const float* x, float* sum);  ///< sum += weight·x
  void (*scaled_copy)(std::size_t n, float weight, const float* x, float* y);   ///< y = weight·x; y may be x
  /// theta_out may be theta (in place); velocity and velocity_out are both null without momentum, and may be the same.
  void (*advance)(std::size_t n, Coefficients, const float* gradient, const float* theta, const float* velocity,
                  float* theta_out, float* velocity_out);
  bool (*all_finite)(std::size_t n, const float* x);

  // --- corrections of gradients (step/correction.h); `corrected` may be `gradient`
  double (*squared_norm)(std::size_t n, const float* x);  ///< Σ x², summed as doubles
  /// corrected = g + λ·g·g·(θ − v).
  void (*compensate_delay)(std::size_t n, float lambda, const float* gradient, const float* theta, const float* view,
                           float* corrected);
  /// corrected = g / (1 + weight·|θ − v| / movement); what never moved has no gap.
  void (*divide_by_gap)(std::size_t n, float weight, const float* gradient, const float* theta, const float* view,
                        const float* movement, float* corrected);
  /// movement' = movement + share·(factor·|x| − movement); movement_out may be movement.
  void (*average_movement)(std::size_t n, float share, float factor, const float* x, const float* movement,
                           float* movement_out);

  // --- yardsticks: what this instruction set can do at best, for benchmarks to compare the kernels above with
  std::size_t multiply_add_flops;  ///< operations of one round
  /// `rounds` of x = x·start + start in every lane of many vectors that stay in registers and do not wait for each
  /// other. The lanes of vector i begin with start + i. Returns the sum of all lanes.
  float (*multiply_add)(std::size_t rounds, float start);
  /// With r the sum of the arrays that are read, element by element: u = r − u in those that are updated, w = r in
  /// those that are written. Returns the sum of all elements read when nothing is written, 0 otherwise.
  float (*stream)(const Streams&);
};

/// The tables this build and this processor can run, slowest first; never empty.
std::span<const Table* const> available();

/// The table in use: the fastest available one, or the one named by the environment variable ASAP_ISA (read once).
/// Throws std::invalid_argument when ASAP_ISA names none of them.
const Table& active();

}  // namespace asap::kernels
