#include "asap/data/dataset.h"

#include <ostream>

namespace asap {

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.channels << "×" << shape.height << "×" << shape.width;
}

}  // namespace asap
