// exchange.* and queue.*. Source: AMQP 0-9-1 §1.7, §1.8, and RabbitMQ's exchange.bind and unbind.
// Field types: see method_info.h. The strings are owned: these methods outlive their frame.
#pragma once

#include "broker/amqp/method_info.h"

namespace warren::amqp {

struct ExchangeDeclare {
  static constexpr MethodInfo info{40, 10, "exchange.declare"};
  std::uint16_t reserved_1 = 0;
  ShortString exchange;
  ShortString type;
  bool passive = false;
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  bool no_wait = false;
  FieldTable arguments;
};
struct ExchangeDeclareOk {
  static constexpr MethodInfo info{40, 11, "exchange.declare-ok"};
};
struct ExchangeDelete {
  static constexpr MethodInfo info{40, 20, "exchange.delete"};
  std::uint16_t reserved_1 = 0;
  ShortString exchange;
  bool if_unused = false;
  bool no_wait = false;
};
struct ExchangeDeleteOk {
  static constexpr MethodInfo info{40, 21, "exchange.delete-ok"};
};
struct ExchangeBind {
  static constexpr MethodInfo info{40, 30, "exchange.bind"};
  std::uint16_t reserved_1 = 0;
  ShortString destination;
  ShortString source;
  ShortString routing_key;
  bool no_wait = false;
  FieldTable arguments;
};
struct ExchangeBindOk {
  static constexpr MethodInfo info{40, 31, "exchange.bind-ok"};
};
struct ExchangeUnbind {
  static constexpr MethodInfo info{40, 40, "exchange.unbind"};
  std::uint16_t reserved_1 = 0;
  ShortString destination;
  ShortString source;
  ShortString routing_key;
  bool no_wait = false;
  FieldTable arguments;
};
struct ExchangeUnbindOk {
  static constexpr MethodInfo info{40, 51, "exchange.unbind-ok"};
};

struct QueueDeclare {
  static constexpr MethodInfo info{50, 10, "queue.declare"};
  std::uint16_t reserved_1 = 0;
  ShortString queue;
  bool passive = false;
  bool durable = false;
  bool exclusive = false;
  bool auto_delete = false;
  bool no_wait = false;
  FieldTable arguments;
};
struct QueueDeclareOk {
  static constexpr MethodInfo info{50, 11, "queue.declare-ok"};
  ShortString queue;
  std::uint32_t message_count = 0;  // ready ones only
  std::uint32_t consumer_count = 0;
};
struct QueueBind {
  static constexpr MethodInfo info{50, 20, "queue.bind"};
  std::uint16_t reserved_1 = 0;
  ShortString queue;
  ShortString exchange;
  ShortString routing_key;
  bool no_wait = false;
  FieldTable arguments;
};
struct QueueBindOk {
  static constexpr MethodInfo info{50, 21, "queue.bind-ok"};
};
struct QueuePurge {
  static constexpr MethodInfo info{50, 30, "queue.purge"};
  std::uint16_t reserved_1 = 0;
  ShortString queue;
  bool no_wait = false;
};
struct QueuePurgeOk {
  static constexpr MethodInfo info{50, 31, "queue.purge-ok"};
  std::uint32_t message_count = 0;
};
struct QueueDelete {
  static constexpr MethodInfo info{50, 40, "queue.delete"};
  std::uint16_t reserved_1 = 0;
  ShortString queue;
  bool if_unused = false;
  bool if_empty = false;
  bool no_wait = false;
};
struct QueueDeleteOk {
  static constexpr MethodInfo info{50, 41, "queue.delete-ok"};
  std::uint32_t message_count = 0;
};
// Has no no-wait.
struct QueueUnbind {
  static constexpr MethodInfo info{50, 50, "queue.unbind"};
  std::uint16_t reserved_1 = 0;
  ShortString queue;
  ShortString exchange;
  ShortString routing_key;
  FieldTable arguments;
};
struct QueueUnbindOk {
  static constexpr MethodInfo info{50, 51, "queue.unbind-ok"};
};

}  // namespace warren::amqp
