// The scenarios through librabbitmq.
//
//     scenarios HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]
//
// A failed scenario jumps back to main. Its memory is the process's, which is short-lived.

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

typedef amqp_connection_state_t connection;

typedef struct {
  amqp_bytes_t body;
  amqp_basic_properties_t properties;
  uint64_t tag;
  amqp_channel_t channel;
  bool redelivered;
} message;

enum { max_opened = 16, max_confirms = 1 << 18, forever_ms = 10000 };

static char* nodes[3];
static connection opened[max_opened];  // closed when their scenario ends
static int opened_count;
static jmp_buf failed;
static char why[400];

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  longjmp(failed, 1);
}

#define EQUAL(actual, expected)                                                             \
  do {                                                                                      \
    long long is = (actual), should = (expected);                                           \
    if (is != should) fail("line %d: %s is %lld, not %lld", __LINE__, #actual, is, should); \
  } while (0)

static amqp_bytes_t text(const char* characters) {
  return amqp_cstring_bytes(characters);
}

static bool same(amqp_bytes_t a, amqp_bytes_t b) {
  return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static amqp_bytes_t fresh(const char* name) {
  static int serial;
  char made[100];
  struct timeval now;
  gettimeofday(&now, NULL);
  snprintf(made, sizeof made, "librabbitmq-%s-%d-%ld-%d", name, getpid(), now.tv_usec, serial++);
  return amqp_bytes_malloc_dup(text(made));
}

static double seconds(void) {
  struct timeval now;
  gettimeofday(&now, NULL);
  return now.tv_sec + now.tv_usec / 1e6;
}

static struct timeval in_ms(int ms) {
  return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

// The reply code of what the server refused; 0 for what it granted. A closed channel may be opened
// again.
static int code_of(connection c, amqp_channel_t channel, amqp_rpc_reply_t reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return 0;
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
    fail("%s", amqp_error_string2(reply.library_error));
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
    return ((amqp_connection_close_t*)reply.reply.decoded)->reply_code;
  amqp_channel_close_ok_t ok = {0};
  amqp_send_method(c, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  return ((amqp_channel_close_t*)reply.reply.decoded)->reply_code;
}

static int told(connection c, amqp_channel_t channel) {
  return code_of(c, channel, amqp_get_rpc_reply(c));
}

static amqp_table_entry_t utf8(const char* key, const char* value) {
  return (amqp_table_entry_t){text(key), {AMQP_FIELD_KIND_UTF8, {.bytes = text(value)}}};
}

static amqp_table_entry_t number(const char* key, int value) {
  return (amqp_table_entry_t){text(key), {AMQP_FIELD_KIND_I32, {.i32 = value}}};
}

#define TABLE(...)                                                                          \
  ((amqp_table_t){sizeof((amqp_table_entry_t[]){__VA_ARGS__}) / sizeof(amqp_table_entry_t), \
                  (amqp_table_entry_t[]){__VA_ARGS__}})

static int login(int node, const char* password, int heartbeat, connection* made) {
  char host[100];
  int port;
  sscanf(nodes[node], "%99[^:]:%d", host, &port);
  amqp_table_entry_t capability = {text("consumer_cancel_notify"),
                                   {AMQP_FIELD_KIND_BOOLEAN, {.boolean = true}}};
  amqp_table_entry_t capabilities = {text("capabilities"),
                                     {AMQP_FIELD_KIND_TABLE, {.table = TABLE(capability)}}};
  amqp_table_t told_of_cancels = TABLE(capabilities);
  connection c = amqp_new_connection();
  struct timeval patience = in_ms(forever_ms);
  amqp_set_rpc_timeout(c, &patience);
  amqp_socket_t* socket = amqp_tcp_socket_new(c);
  if (amqp_socket_open(socket, host, port) != AMQP_STATUS_OK) fail("cannot reach %s", nodes[node]);
  int code = code_of(c, 0,
                     amqp_login_with_properties(c, "/", 0, 131072, heartbeat, &told_of_cancels,
                                                AMQP_SASL_METHOD_PLAIN, "guest", password));
  if (code == 0) opened[opened_count++] = c;
  *made = c;
  return code;
}

// Opens a connection, with channel 1 in confirm mode.
static connection connect_with(int node, int heartbeat) {
  connection c;
  EQUAL(login(node, "guest", heartbeat, &c), 0);
  amqp_channel_open(c, 1);
  EQUAL(told(c, 1), 0);
  amqp_confirm_select(c, 1);
  EQUAL(told(c, 1), 0);
  return c;
}

static connection connect_to(int node) {
  return connect_with(node, 30);
}

static void close_opened(void) {
  for (int i = 0; i < opened_count; i++) {
    amqp_connection_close(opened[i], AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(opened[i]);
  }
  opened_count = 0;
}

static amqp_queue_declare_ok_t* declare(connection c, amqp_channel_t channel, amqp_bytes_t name,
                                        bool passive, bool durable, bool exclusive,
                                        bool auto_delete, amqp_table_t arguments) {
  return amqp_queue_declare(c, channel, name, passive, durable, exclusive, auto_delete, arguments);
}

static int passive_code(connection c, amqp_bytes_t queue) {
  amqp_channel_open(c, 9);
  EQUAL(told(c, 9), 0);
  declare(c, 9, queue, true, false, false, false, amqp_empty_table);
  int code = told(c, 9);
  if (code == 0) amqp_channel_close(c, 9, AMQP_REPLY_SUCCESS);
  return code;
}

static void wait_until_gone(connection c, amqp_bytes_t queue) {
  for (double end = seconds() + 10; passive_code(c, queue) != 404; usleep(20000))
    if (seconds() > end) fail("the queue stays");
}

static amqp_bytes_t temporary(connection c) {
  amqp_queue_declare_ok_t* ok =
      declare(c, 1, amqp_empty_bytes, false, false, true, false, amqp_empty_table);
  EQUAL(told(c, 1), 0);
  return amqp_bytes_malloc_dup(ok->queue);
}

static void publish(connection c, amqp_channel_t channel, amqp_bytes_t exchange, amqp_bytes_t key,
                    amqp_bytes_t body, amqp_basic_properties_t properties) {
  properties._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  int status = amqp_basic_publish(c, channel, exchange, key, false, false, &properties, body);
  if (status != AMQP_STATUS_OK) fail("publish: %s", amqp_error_string2(status));
}

// Waits for the confirms of the last `count` of a connection whose channel 1 published `sent`.
static bool confirmed(connection c, uint64_t sent, uint64_t count) {
  static bool done[max_confirms];
  uint64_t first = sent - count + 1, left = count;
  memset(done, 0, sizeof done);
  while (left > 0) {
    amqp_frame_t frame;
    struct timeval timeout = in_ms(forever_ms);
    if (amqp_simple_wait_frame_noblock(c, &frame, &timeout) != AMQP_STATUS_OK) return false;
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
      return false;
    amqp_basic_ack_t* ack = frame.payload.method.decoded;
    for (uint64_t tag = ack->multiple ? first : ack->delivery_tag; tag <= ack->delivery_tag; tag++)
      if (tag >= first && !done[tag - first]) {
        done[tag - first] = true;
        left--;
      }
    amqp_maybe_release_buffers(c);
  }
  return true;
}

// A durable queue with `count` confirmed messages "0", "1", …; the connection has published none.
static amqp_bytes_t queue_of(connection c, const char* name, int count, amqp_table_t arguments) {
  amqp_bytes_t queue = fresh(name);
  declare(c, 1, queue, false, true, false, false, arguments);
  EQUAL(told(c, 1), 0);
  for (int i = 0; i < count; i++) {
    char body[20];
    snprintf(body, sizeof body, "%d", i);
    publish(c, 1, amqp_empty_bytes, queue, text(body), (amqp_basic_properties_t){0});
  }
  if (!confirmed(c, count, count)) fail("not all was confirmed");
  return queue;
}

static bool try_get(connection c, amqp_bytes_t queue, bool no_ack, message* got) {
  amqp_rpc_reply_t reply = amqp_basic_get(c, 1, queue, no_ack);
  EQUAL(code_of(c, 1, reply), 0);
  if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return false;
  amqp_basic_get_ok_t* ok = reply.reply.decoded;
  *got = (message){.tag = ok->delivery_tag, .redelivered = ok->redelivered, .channel = 1};
  amqp_message_t content;
  EQUAL(code_of(c, 1, amqp_read_message(c, 1, &content, 0)), 0);
  got->body = content.body;
  got->properties = content.properties;
  return true;
}

static message get(connection c, amqp_bytes_t queue) {
  message got;
  for (double end = seconds() + 5; !try_get(c, queue, false, &got); usleep(20000))
    if (seconds() > end) fail("the queue stays empty");
  return got;
}

// All that is in the queue, its bodies with a blank behind each.
static const char* drained(connection c, amqp_bytes_t queue) {
  static char bodies[1000];
  size_t length = 0;
  for (message got; try_get(c, queue, true, &got);)
    length += snprintf(bodies + length, sizeof bodies - length, "%.*s ", (int)got.body.len,
                       (char*)got.body.bytes);
  bodies[length] = 0;
  return bodies;
}

static void holds(connection c, amqp_bytes_t queue, const char* expected) {
  const char* came = drained(c, queue);
  if (strcmp(came, expected) != 0) fail("'%s' came, not '%s'", came, expected);
}

static void qos(connection c, amqp_channel_t channel, int count) {
  amqp_basic_qos(c, channel, 0, count, false);
  EQUAL(told(c, channel), 0);
}

static amqp_bytes_t consume(connection c, amqp_channel_t channel, amqp_bytes_t queue, bool no_ack) {
  amqp_basic_consume_ok_t* ok = amqp_basic_consume(c, channel, queue, amqp_empty_bytes, false,
                                                   no_ack, false, amqp_empty_table);
  EQUAL(told(c, channel), 0);
  return amqp_bytes_malloc_dup(ok->consumer_tag);
}

// The next delivery on any channel; false when none comes in time.
static bool try_take(connection c, int timeout_ms, message* taken) {
  amqp_envelope_t envelope;
  struct timeval timeout = in_ms(timeout_ms);
  amqp_maybe_release_buffers(c);
  amqp_rpc_reply_t reply = amqp_consume_message(c, &envelope, &timeout, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT)
    return false;
  EQUAL(code_of(c, 1, reply), 0);
  *taken = (message){envelope.message.body, envelope.message.properties, envelope.delivery_tag,
                     envelope.channel, envelope.redelivered};
  return true;
}

static message take(connection c) {
  message taken;
  if (!try_take(c, forever_ms, &taken)) fail("no message comes");
  return taken;
}

static void stays_silent(connection c) {
  message taken;
  if (try_take(c, 300, &taken)) fail("%.*s comes", (int)taken.body.len, (char*)taken.body.bytes);
}

static void is_number(message came, int number, bool redelivered) {
  char body[20];
  snprintf(body, sizeof body, "%d", number);
  if (!same(came.body, text(body)))
    fail("%.*s comes, not %d", (int)came.body.len, (char*)came.body.bytes, number);
  EQUAL(came.redelivered, redelivered);
}

static bool same_value(amqp_field_value_t a, amqp_field_value_t b);

static bool same_table(amqp_table_t a, amqp_table_t b) {
  bool equal = a.num_entries == b.num_entries;
  for (int i = 0; equal && i < a.num_entries; i++)
    equal = same(a.entries[i].key, b.entries[i].key) &&
            same_value(a.entries[i].value, b.entries[i].value);
  return equal;
}

static bool same_value(amqp_field_value_t a, amqp_field_value_t b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return a.value.boolean == b.value.boolean;
    case AMQP_FIELD_KIND_I8:
      return a.value.i8 == b.value.i8;
    case AMQP_FIELD_KIND_U8:
      return a.value.u8 == b.value.u8;
    case AMQP_FIELD_KIND_I16:
      return a.value.i16 == b.value.i16;
    case AMQP_FIELD_KIND_U16:
      return a.value.u16 == b.value.u16;
    case AMQP_FIELD_KIND_I32:
      return a.value.i32 == b.value.i32;
    case AMQP_FIELD_KIND_U32:
      return a.value.u32 == b.value.u32;
    case AMQP_FIELD_KIND_I64:
      return a.value.i64 == b.value.i64;
    case AMQP_FIELD_KIND_TIMESTAMP:
      return a.value.u64 == b.value.u64;
    case AMQP_FIELD_KIND_F32:
      return a.value.f32 == b.value.f32;
    case AMQP_FIELD_KIND_F64:
      return a.value.f64 == b.value.f64;
    case AMQP_FIELD_KIND_DECIMAL:
      return a.value.decimal.decimals == b.value.decimal.decimals &&
             a.value.decimal.value == b.value.decimal.value;
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
      return same(a.value.bytes, b.value.bytes);
    case AMQP_FIELD_KIND_TABLE:
      return same_table(a.value.table, b.value.table);
    case AMQP_FIELD_KIND_ARRAY: {
      bool equal = a.value.array.num_entries == b.value.array.num_entries;
      for (int i = 0; equal && i < a.value.array.num_entries; i++)
        equal = same_value(a.value.array.entries[i], b.value.array.entries[i]);
      return equal;
    }
    case AMQP_FIELD_KIND_VOID:
      return true;
    default:
      return false;
  }
}

static amqp_field_value_t* field(amqp_table_t table, const char* key) {
  for (int i = 0; i < table.num_entries; i++)
    if (same(table.entries[i].key, text(key))) return &table.entries[i].value;
  fail("there is no %s", key);
}

static const amqp_basic_properties_t plain;

#include "topology.inc"

#include "scenarios.inc"

// Plays one scenario; false when it failed, for the reason in `why`.
static bool play(void (*scenario)(void)) {
  if (setjmp(failed) != 0) return false;
  scenario();
  return true;
}

static void run(const char* name) {
  for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
    if (strcmp(scenarios[i].name, name) == 0) {
      if (play(scenarios[i].play))
        printf("ok %s\n", name);
      else
        printf("not ok %s: %s\n", name, why);
      close_opened();
    }
}

int main(int count, char** arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  char* list = strdup(arguments[1]);
  for (int i = 0; i < 3; i++)
    nodes[i] = strtok(i == 0 ? list : NULL, ",");
  printf("version %s\n", amqp_version());
  for (int i = 2; i < count; i++)
    run(arguments[i]);
  for (size_t i = 0; count == 2 && i < sizeof scenarios / sizeof *scenarios; i++)
    run(scenarios[i].name);
}
