// Inspector: what management may ask of anyone: listings and a login. Implemented by node. Calls
// come from any thread; `done` comes exactly once, on any thread, within a bounded time; what could
// not be asked in it (a node that does not answer) is left out. Lifetime: longer than all who ask.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/inspect/listings.h"

namespace warren::inspect {

template <typename Row>
using Done = std::move_only_function<void(std::vector<Row>)>;

struct Login {
  std::string user;
  std::vector<std::string> tags;
};

class Inspector {
 public:
  virtual ~Inspector() = default;

  // Rows come sorted by vhost and name. An empty vhost means all of them.
  virtual void collect(const std::string& vhost, Done<Queue> done) = 0;
  virtual void collect(const std::string& vhost, Done<Exchange> done) = 0;
  virtual void collect(const std::string& vhost, Done<Binding> done) = 0;
  virtual void collect(const std::string& vhost, Done<Connection> done) = 0;
  virtual void collect(const std::string& vhost, Done<Channel> done) = 0;
  virtual void collect(const std::string& vhost, Done<Consumer> done) = 0;
  virtual void collect(const std::string& vhost, Done<Permission> done) = 0;
  // The same whatever the vhost.
  virtual void collect(const std::string& vhost, Done<Vhost> done) = 0;
  virtual void collect(const std::string& vhost, Done<User> done) = 0;
  virtual void collect(const std::string& vhost, Done<Node> done) = 0;
  virtual void collect(const std::string& vhost, Done<Group> done) = 0;
  virtual void collect(const std::string& vhost, Done<GroupDigest> done) = 0;
  virtual void status(std::move_only_function<void(Status)> done) = 0;

  // From the local catalog, at once. `loopback`: does the client sit on this machine? Nothing when
  // the password is wrong, or the user may not come from there.
  virtual std::optional<Login> login(const std::string& user, const std::string& password,
                                     bool loopback) = 0;
};

}  // namespace warren::inspect
