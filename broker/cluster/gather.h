// gather: asks every lane on its own reactor and hands all answers to one callback.
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "broker/cluster/lane.h"

namespace warren::cluster {

// Any thread. `done` comes on the reactor that answers last.
template <typename Row>
void gather(const std::vector<std::unique_ptr<Lane>>& lanes,
            std::function<std::vector<Row>(Lane&)> ask,
            std::function<void(std::vector<Row>)> done) {
  struct Gathered {
    std::mutex mutex;
    std::vector<Row> rows;
    std::size_t left = 0;
  };
  auto gathered = std::make_shared<Gathered>();
  gathered->left = lanes.size();
  for (const auto& lane : lanes)
    lane->reactor().post([&lane = *lane, ask, done, gathered] {
      auto rows = ask(lane);
      std::unique_lock lock(gathered->mutex);
      std::move(rows.begin(), rows.end(), std::back_inserter(gathered->rows));
      if (--gathered->left != 0) return;
      lock.unlock();
      done(std::move(gathered->rows));
    });
}

}  // namespace warren::cluster
