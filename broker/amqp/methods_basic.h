// basic.*, tx.* and confirm.*. Source: AMQP 0-9-1 §1.9, §1.10, and RabbitMQ's basic.nack and
// confirm.select. Field types: see method_info.h. Methods that come with every message hold views
// and cost no allocation; keep a copy of what must outlive the payload.
#pragma once

#include "broker/amqp/method_info.h"

namespace warren::amqp {

struct BasicQos {
  static constexpr MethodInfo info{60, 10, "basic.qos"};
  std::uint32_t prefetch_size = 0;
  std::uint16_t prefetch_count = 0;
  bool global = false;
};
struct BasicQosOk {
  static constexpr MethodInfo info{60, 11, "basic.qos-ok"};
};
struct BasicConsume {
  static constexpr MethodInfo info{60, 20, "basic.consume"};
  std::uint16_t reserved_1 = 0;
  ShortString queue;
  ShortString consumer_tag;
  bool no_local = false;
  bool no_ack = false;
  bool exclusive = false;
  bool no_wait = false;
  FieldTable arguments;
};
struct BasicConsumeOk {
  static constexpr MethodInfo info{60, 21, "basic.consume-ok"};
  ShortString consumer_tag;
};
struct BasicCancel {
  static constexpr MethodInfo info{60, 30, "basic.cancel"};
  ShortString consumer_tag;
  bool no_wait = false;
};
struct BasicCancelOk {
  static constexpr MethodInfo info{60, 31, "basic.cancel-ok"};
  ShortString consumer_tag;
};
struct BasicPublish {
  static constexpr MethodInfo info{60, 40, "basic.publish", true};
  std::uint16_t reserved_1 = 0;
  ShortStringView exchange;
  ShortStringView routing_key;
  bool mandatory = false;
  bool immediate = false;
};
struct BasicReturn {
  static constexpr MethodInfo info{60, 50, "basic.return", true};
  std::uint16_t reply_code = 0;
  ShortStringView reply_text;
  ShortStringView exchange;
  ShortStringView routing_key;
};
struct BasicDeliver {
  static constexpr MethodInfo info{60, 60, "basic.deliver", true};
  ShortStringView consumer_tag;
  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  ShortStringView exchange;
  ShortStringView routing_key;
};
struct BasicGet {
  static constexpr MethodInfo info{60, 70, "basic.get"};
  std::uint16_t reserved_1 = 0;
  ShortStringView queue;
  bool no_ack = false;
};
struct BasicGetOk {
  static constexpr MethodInfo info{60, 71, "basic.get-ok", true};
  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  ShortStringView exchange;
  ShortStringView routing_key;
  std::uint32_t message_count = 0;  // ready ones after this one
};
struct BasicGetEmpty {
  static constexpr MethodInfo info{60, 72, "basic.get-empty"};
  ShortStringView reserved_1;
};
struct BasicAck {
  static constexpr MethodInfo info{60, 80, "basic.ack"};
  std::uint64_t delivery_tag = 0;
  bool multiple = false;
};
struct BasicReject {
  static constexpr MethodInfo info{60, 90, "basic.reject"};
  std::uint64_t delivery_tag = 0;
  bool requeue = false;
};
struct BasicRecoverAsync {
  static constexpr MethodInfo info{60, 100, "basic.recover-async"};
  bool requeue = false;
};
struct BasicRecover {
  static constexpr MethodInfo info{60, 110, "basic.recover"};
  bool requeue = false;
};
struct BasicRecoverOk {
  static constexpr MethodInfo info{60, 111, "basic.recover-ok"};
};
struct BasicNack {
  static constexpr MethodInfo info{60, 120, "basic.nack"};
  std::uint64_t delivery_tag = 0;
  bool multiple = false;
  bool requeue = false;
};

struct ConfirmSelect {
  static constexpr MethodInfo info{85, 10, "confirm.select"};
  bool no_wait = false;
};
struct ConfirmSelectOk {
  static constexpr MethodInfo info{85, 11, "confirm.select-ok"};
};

struct TxSelect {
  static constexpr MethodInfo info{90, 10, "tx.select"};
};
struct TxSelectOk {
  static constexpr MethodInfo info{90, 11, "tx.select-ok"};
};
struct TxCommit {
  static constexpr MethodInfo info{90, 20, "tx.commit"};
};
struct TxCommitOk {
  static constexpr MethodInfo info{90, 21, "tx.commit-ok"};
};
struct TxRollback {
  static constexpr MethodInfo info{90, 30, "tx.rollback"};
};
struct TxRollbackOk {
  static constexpr MethodInfo info{90, 31, "tx.rollback-ok"};
};

}  // namespace warren::amqp
