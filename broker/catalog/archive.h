// One description of each struct's octets, `fields(archive, value)`, for writing and for reading:
// the two cannot disagree. The order of fields is the format; a change is a new format version.
// Used by the command codec and by the catalog's snapshots. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "broker/base/codec.h"
#include "broker/catalog/command.h"
#include "broker/catalog/definitions.h"

namespace warren::catalog {

class WriteArchive {
 public:
  static constexpr bool reading = false;
  explicit WriteArchive(ByteWriter& out) : out_(out) {}

  template <typename... T>
  void operator()(const T&... values) {
    (value(values), ...);
  }

 private:
  void value(const std::string& v) { out_.string(v); }
  void value(bool v) { out_.boolean(v); }
  void value(std::uint32_t v) { out_.varint(v); }
  void value(std::uint64_t v) { out_.varint(v); }
  void value(DestinationKind v) { out_.u8(static_cast<std::uint8_t>(v)); }
  template <typename Tag, typename Integer>
  void value(const Strong<Tag, Integer>& v) {
    out_.varint(v.value);
  }
  template <typename T>
  void value(const std::optional<T>& v) {
    value(v.has_value());
    if (v) value(*v);
  }
  template <typename T>
  void value(const std::vector<T>& v) {
    out_.varint(v.size());
    for (const T& item : v)
      value(item);
  }
  template <typename T>
    requires std::is_class_v<T>
  void value(const T& v) {
    fields(*this, v);
  }

  ByteWriter& out_;
};

// After a fault everything reads as empty and ok() is false.
class ReadArchive {
 public:
  static constexpr bool reading = true;
  explicit ReadArchive(ByteReader& in) : in_(in) {}

  bool ok() const { return ok_ && in_.ok(); }
  template <typename... T>
  void operator()(T&... values) {
    (value(values), ...);
  }

 private:
  void value(std::string& v) { v = in_.string(); }
  void value(bool& v) {
    const std::uint8_t octet = in_.u8();
    ok_ = ok_ && octet <= 1;
    v = octet == 1;
  }
  template <typename Integer>
    requires std::is_unsigned_v<Integer>
  void value(Integer& v) {
    const std::uint64_t wide = in_.varint();
    ok_ = ok_ && wide <= std::numeric_limits<Integer>::max();
    v = static_cast<Integer>(wide);
  }
  void value(DestinationKind& v) {
    const std::uint8_t octet = in_.u8();
    ok_ = ok_ && octet <= 1;
    v = octet == 1 ? DestinationKind::exchange : DestinationKind::queue;
  }
  template <typename Tag, typename Integer>
  void value(Strong<Tag, Integer>& v) {
    value(v.value);
  }
  template <typename T>
  void value(std::optional<T>& v) {
    bool present = false;
    value(present);
    if (present && ok()) value(v.emplace());
  }
  // Grows as items are read, so that a false count costs nothing.
  template <typename T>
  void value(std::vector<T>& v) {
    const std::uint64_t count = in_.varint();
    ok_ = ok_ && count <= in_.remaining();
    for (std::uint64_t i = 0; i < count && ok(); ++i)
      value(v.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void value(T& v) {
    fields(*this, v);
  }

  ByteReader& in_;
  bool ok_ = true;
};

template <typename T, typename Struct>
concept Is = std::is_same_v<std::remove_const_t<T>, Struct>;

void fields(auto& a, Is<Argument> auto& v) {
  a(v.name, v.type, v.value);
}

void fields(auto& a, Is<DeclareExchange> auto& v) {
  a(v.vhost, v.name, v.type, v.durable, v.auto_delete, v.internal, v.arguments, v.arguments_octets);
}
void fields(auto& a, Is<DeleteExchange> auto& v) {
  a(v.vhost, v.name, v.if_unused);
}
void fields(auto& a, Is<DeclareQueue> auto& v) {
  a(v.vhost, v.name, v.durable, v.exclusive, v.auto_delete, v.arguments, v.arguments_octets, v.node,
    v.incarnation, v.owner, v.preferred_group);
}
void fields(auto& a, Is<DeleteQueue> auto& v) {
  a(v.queue);
}
template <typename T>
  requires Is<T, Bind> || Is<T, Unbind>
void fields(auto& a, T& v) {
  a(v.vhost, v.source, v.destination, v.kind, v.routing_key, v.arguments, v.arguments_octets,
    v.node, v.incarnation, v.owner);
}
void fields(auto& a, Is<PutVhost> auto& v) {
  a(v.name, v.description);
}
void fields(auto& a, Is<DeleteVhost> auto& v) {
  a(v.name);
}
void fields(auto& a, Is<PutUser> auto& v) {
  a(v.name, v.password_hash, v.hashing_algorithm, v.tags);
}
void fields(auto& a, Is<DeleteUser> auto& v) {
  a(v.name);
}
void fields(auto& a, Is<PutPermission> auto& v) {
  a(v.vhost, v.user, v.configure, v.write, v.read);
}
void fields(auto& a, Is<DeletePermission> auto& v) {
  a(v.vhost, v.user);
}
void fields(auto& a, Is<RegisterNode> auto& v) {
  a(v.name, v.node, v.disk, v.address);
}
void fields(auto& a, Is<NodeDead> auto& v) {
  a(v.node, v.incarnation);
}
void fields(auto& a, Is<ForgetNode> auto& v) {
  a(v.node);
}
void fields(auto& a, Is<Found> auto& v) {
  a(v.cluster_id, v.cluster_name, v.nodes, v.queue_groups, v.replicas, v.guest_password_hash,
    v.test_placement);
}

void fields(auto& a, Is<VhostInfo> auto& v) {
  a(v.name, v.description);
}
void fields(auto& a, Is<UserInfo> auto& v) {
  a(v.name, v.password_hash, v.hashing_algorithm, v.tags);
}
void fields(auto& a, Is<PermissionInfo> auto& v) {
  a(v.user, v.vhost, v.configure, v.write, v.read);
}
void fields(auto& a, Is<ExchangeInfo> auto& v) {
  a(v.vhost, v.name, v.type, v.durable, v.auto_delete, v.internal, v.arguments, v.arguments_octets);
}
void fields(auto& a, Is<QueueInfo> auto& v) {
  a(v.id, v.vhost, v.name, v.durable, v.exclusive, v.auto_delete, v.arguments, v.arguments_octets,
    v.group, v.node, v.incarnation, v.owner);
}
void fields(auto& a, Is<BindingInfo> auto& v) {
  a(v.vhost, v.source, v.kind, v.destination, v.routing_key, v.arguments, v.arguments_octets);
}
void fields(auto& a, Is<MemberAssignment> auto& v) {
  a(v.node, v.disk, v.assigned, v.voter);
}
void fields(auto& a, Is<GroupInfo> auto& v) {
  a(v.id, v.desired);
}
void fields(auto& a, Is<NodeInfo> auto& v) {
  a(v.id, v.name, v.disk, v.address, v.incarnation, v.dead);
}

}  // namespace warren::catalog
