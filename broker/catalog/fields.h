// Which fields of each struct are written, and in which order: one description for writing and for
// reading, so that the two cannot disagree. It is the format; a change is a new format version.
#pragma once

#include <type_traits>

#include "broker/catalog/archive.h"
#include "broker/catalog/command.h"
#include "broker/catalog/definitions.h"

namespace warren::catalog {

template <typename T, typename Struct>
concept Is = std::is_same_v<std::remove_const_t<T>, Struct>;

void fields(auto& a, Is<Argument> auto& v) {
  a(v.name, v.type, v.value);
}

void fields(auto& a, Is<DeclareExchange> auto& v) {
  a(v.vhost, v.name, v.type, v.durable, v.auto_delete, v.internal, v.arguments, v.arguments_octets);
}
void fields(auto& a, Is<DeclareHistory> auto& v) {
  a(v.vhost, v.name, v.type, v.durable, v.auto_delete, v.internal, v.arguments, v.arguments_octets,
    v.node, v.preferred_group);
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
  a(v.cluster_id, v.cluster_name, v.nodes, v.queue_groups, v.replicas, v.password_hash,
    v.test_placement);
  a.added_later(v.first_user);
}
void fields(auto& a, Is<FirstUser> auto& v) {
  a(v.name, v.tags, v.vhost);
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
