// From rows to lanes and back.

void lanes_from_rows(std::size_t samples, std::size_t features, const float* rows, float* lanes) {
  for (std::size_t first = 0; first < samples; first += kLanes, lanes += features * kLanes)
    for (std::size_t i = 0; i < features; ++i)
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        lanes[i * kLanes + lane] = first + lane < samples ? rows[(first + lane) * features + i] : 0.0f;
}

void rows_from_lanes(std::size_t samples, std::size_t features, const float* lanes, float* rows) {
  for (std::size_t first = 0; first < samples; first += kLanes, lanes += features * kLanes)
    for (std::size_t lane = 0; lane < kLanes && first + lane < samples; ++lane)
      for (std::size_t i = 0; i < features; ++i) rows[(first + lane) * features + i] = lanes[i * kLanes + lane];
}
