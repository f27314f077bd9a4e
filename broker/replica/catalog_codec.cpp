#include "broker/replica/catalog_codec.h"

#include <type_traits>
#include <utility>

#include "broker/base/codec.h"
#include "broker/replica/command_codec.h"
#include "proto/command.pb.h"

namespace warren::replica {
namespace {

// One description of the fields serves both directions: Put writes them, Get reads them.
struct Put {
  ByteWriter out;

  void operator()(const std::string& v) { out.string(v); }
  void operator()(bool v) { out.boolean(v); }
  template <typename T>
    requires std::is_unsigned_v<T>
  void operator()(T v) {
    out.varint(v);
  }
  template <typename Tag, typename Integer>
  void operator()(const Strong<Tag, Integer>& v) {
    out.varint(v.value);
  }
  void operator()(catalog::DestinationKind v) { out.u8(static_cast<std::uint8_t>(v)); }
  void operator()(const std::optional<GroupId>& v) {
    out.boolean(v.has_value());
    if (v) out.varint(v->value);
  }
  template <typename T>
  void operator()(const std::vector<T>& v) {
    out.varint(v.size());
    for (const T& item : v)
      (*this)(item);
  }
  void operator()(const catalog::Argument& v) {
    (*this)(v.name), (*this)(v.type), (*this)(v.value);
  }
  void operator()(const catalog::RegisterNode& v);
};

struct Get {
  ByteReader in;
  bool bad = false;

  void operator()(std::string& v) { v = in.string(); }
  void operator()(bool& v) { v = in.boolean(); }
  template <typename T>
    requires std::is_unsigned_v<T>
  void operator()(T& v) {
    v = static_cast<T>(in.varint());
  }
  template <typename Tag, typename Integer>
  void operator()(Strong<Tag, Integer>& v) {
    v.value = static_cast<Integer>(in.varint());
  }
  void operator()(catalog::DestinationKind& v) {
    std::uint8_t kind = in.u8();
    if (kind > 1) bad = true;
    v = kind == 1 ? catalog::DestinationKind::exchange : catalog::DestinationKind::queue;
  }
  void operator()(std::optional<GroupId>& v) {
    if (in.boolean()) v = GroupId(static_cast<std::uint32_t>(in.varint()));
  }
  template <typename T>
  void operator()(std::vector<T>& v) {
    std::uint64_t count = in.varint();
    if (count > in.remaining()) bad = true;  // an item is at least one octet
    for (std::uint64_t i = 0; i < count && !bad && in.ok(); ++i)
      (*this)(v.emplace_back());
  }
  void operator()(catalog::Argument& v) { (*this)(v.name), (*this)(v.type), (*this)(v.value); }
  void operator()(catalog::RegisterNode& v);
  bool ok() const { return !bad && in.ok(); }
};

template <typename Archive, typename... Fields>
void all(Archive& archive, Fields&... fields) {
  (archive(fields), ...);
}

// The order of fields is the format: only ever appended to, under a new version.
template <typename A, typename C>
void fields(A& a, C& c) {
  using T = std::remove_const_t<C>;
  if constexpr (std::is_same_v<T, catalog::Found>)
    all(a, c.cluster_id, c.cluster_name, c.nodes, c.queue_groups, c.replicas,
        c.guest_password_hash);
  else if constexpr (std::is_same_v<T, catalog::DeclareExchange>)
    all(a, c.vhost, c.name, c.type, c.durable, c.auto_delete, c.internal, c.arguments,
        c.arguments_octets);
  else if constexpr (std::is_same_v<T, catalog::DeleteExchange>)
    all(a, c.vhost, c.name, c.if_unused);
  else if constexpr (std::is_same_v<T, catalog::DeclareQueue>)
    all(a, c.vhost, c.name, c.durable, c.exclusive, c.auto_delete, c.arguments, c.arguments_octets,
        c.node, c.incarnation, c.owner, c.preferred_group);
  else if constexpr (std::is_same_v<T, catalog::DeleteQueue>)
    all(a, c.queue);
  else if constexpr (std::is_base_of_v<catalog::Bind, T>)
    all(a, c.vhost, c.source, c.destination, c.kind, c.routing_key, c.arguments, c.arguments_octets,
        c.node, c.incarnation, c.owner);
  else if constexpr (std::is_same_v<T, catalog::PutVhost>)
    all(a, c.name, c.description);
  else if constexpr (std::is_same_v<T, catalog::DeleteVhost> ||
                     std::is_same_v<T, catalog::DeleteUser>)
    all(a, c.name);
  else if constexpr (std::is_same_v<T, catalog::PutUser>)
    all(a, c.name, c.password_hash, c.hashing_algorithm, c.tags);
  else if constexpr (std::is_same_v<T, catalog::PutPermission>)
    all(a, c.vhost, c.user, c.configure, c.write, c.read);
  else if constexpr (std::is_same_v<T, catalog::DeletePermission>)
    all(a, c.vhost, c.user);
  else if constexpr (std::is_same_v<T, catalog::RegisterNode>)
    all(a, c.name, c.node, c.disk, c.address);
  else if constexpr (std::is_same_v<T, catalog::NodeDead>)
    all(a, c.node, c.incarnation);
  else {
    static_assert(std::is_same_v<T, catalog::ForgetNode>);
    all(a, c.node);
  }
}

void Put::operator()(const catalog::RegisterNode& v) {
  fields(*this, v);
}
void Get::operator()(catalog::RegisterNode& v) {
  fields(*this, v);
}

template <std::size_t I = 0>
bool get_kind(std::size_t kind, Get& get, catalog::Command& out) {
  if constexpr (I == std::variant_size_v<catalog::Command>) {
    return false;
  } else {
    if (kind != I) return get_kind<I + 1>(kind, get, out);
    fields(get, out.emplace<I>());
    return true;
  }
}

std::unexpected<Error> malformed(const char* what) {
  return fail(ReplyCode::internal_error, std::string("malformed catalog ") + what);
}

void put_outcome(Put& put, const catalog::Outcome& o) {
  put(o.error.has_value());
  if (o.error) {
    put(static_cast<std::uint16_t>(o.error->code));
    put(o.error->text);
  }
  all(put, o.index, o.queue, o.created, o.node, o.incarnation);
}

void get_outcome(Get& get, catalog::Outcome& o) {
  bool failed = false;
  get(failed);
  if (failed) {
    std::uint16_t code = 0;
    get(code);
    o.error.emplace().code = static_cast<ReplyCode>(code);
    get(o.error->text);
  }
  all(get, o.index, o.queue, o.created, o.node, o.incarnation);
}

}  // namespace

std::string encode_catalog_command(const catalog::Command& command) {
  Put put;
  put.out.u8(static_cast<std::uint8_t>(command.index()));
  std::visit([&](const auto& c) { fields(put, c); }, command);
  return put.out.take();
}

Result<catalog::Command> decode_catalog_command(std::string_view octets) {
  Get get{ByteReader(octets)};
  catalog::Command command;
  if (!get_kind(get.in.u8(), get, command) || !get.ok() || !get.in.at_end())
    return malformed("command");
  return command;
}

Bytes encode_catalog_batch(std::span<const catalog::Command> commands) {
  proto::CatalogBatch batch;
  batch.set_version(command_version);
  for (const auto& command : commands)
    batch.add_command(encode_catalog_command(command));
  return Bytes(batch.SerializeAsString());
}

Result<std::vector<catalog::Command>> decode_catalog_batch(std::string_view octets) {
  proto::CatalogBatch batch;
  if (octets.size() > 0x7fffffff ||
      !batch.ParseFromArray(octets.data(), static_cast<int>(octets.size())) ||
      batch.version() == 0 || batch.version() > command_version)
    return malformed("batch");
  std::vector<catalog::Command> commands;
  for (const auto& in : batch.command()) {
    auto command = decode_catalog_command(in);
    if (!command) return std::unexpected(command.error());
    commands.push_back(std::move(*command));
  }
  return commands;
}

std::string encode_catalog_outcomes(std::span<const catalog::Outcome> outcomes) {
  Put put;
  put.out.varint(outcomes.size());
  for (const auto& outcome : outcomes)
    put_outcome(put, outcome);
  return put.out.take();
}

Result<std::vector<catalog::Outcome>> decode_catalog_outcomes(std::string_view octets) {
  Get get{ByteReader(octets)};
  std::uint64_t count = get.in.varint();
  if (count > get.in.remaining()) return malformed("outcomes");
  std::vector<catalog::Outcome> outcomes;
  for (std::uint64_t i = 0; i < count && get.ok(); ++i)
    get_outcome(get, outcomes.emplace_back());
  if (!get.ok() || !get.in.at_end()) return malformed("outcomes");
  return outcomes;
}

std::shared_ptr<const std::string> encode_catalog_entry(const CatalogEntry& entry) {
  proto::CatalogEntry out;
  out.set_version(command_version);
  out.set_stamp_ms(entry.stamp.value);
  for (const auto& batch : entry.batches) {
    auto* to = out.add_batch();
    to->set_node(batch.session.node.value);
    to->set_incarnation(batch.session.incarnation.value);
    to->set_number(batch.number.value);
    to->set_released(batch.released.value);
    to->set_batch(std::string(encode_catalog_batch(batch.commands).view()));
  }
  for (const auto& command : entry.own)
    out.add_command(encode_catalog_command(command));
  return std::make_shared<const std::string>(out.SerializeAsString());
}

Result<CatalogEntry> decode_catalog_entry(std::string_view octets) {
  proto::CatalogEntry in;
  if (octets.size() > 0x7fffffff ||
      !in.ParseFromArray(octets.data(), static_cast<int>(octets.size())) || in.version() == 0 ||
      in.version() > command_version)
    return malformed("entry");
  CatalogEntry entry;
  entry.stamp = Stamp(in.stamp_ms());
  for (const auto& from : in.batch()) {
    auto commands = decode_catalog_batch(from.batch());
    if (!commands) return std::unexpected(commands.error());
    entry.batches.push_back({{NodeId(from.node()), Incarnation(from.incarnation())},
                             BatchNumber(from.number()),
                             BatchNumber(from.released()),
                             std::move(*commands)});
  }
  for (const auto& from : in.command()) {
    auto command = decode_catalog_command(from);
    if (!command) return std::unexpected(command.error());
    entry.own.push_back(std::move(*command));
  }
  return entry;
}

}  // namespace warren::replica
