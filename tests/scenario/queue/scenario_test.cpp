// Plays the scripts of this folder. A block is commands, a line of dashes, and what they print, up
// to an empty line; # begins a comment. WARREN_REWRITE=1 writes what was printed into the scripts.
//
//   queue Q [ttl=ms] [expires=ms] [max_length=n] [max_octets=n] [overflow=reject] [priorities=n]
//         [strict_priorities] [deliveries=n] [single_active] [dead_letters]
//         [once=keys [once_ms=ms]] [retry=all|failed|returned min=ms [max=ms] [times=n]]
//   stream Q [max_octets=n] [max_age=ms] [max_messages=n] [single_active]
//   publish Q [count] [ttl=ms] [priority=n] [size=n] [delay=ms] [key=n]
//   purge S Q | seal S Q [if_unused] [if_empty] | remove Q
//   lead TERM | restore | attach S [forgetting Q#n …] | detach S | end S | wait MS
//   consume S NUMBER Q [prefetch=n] [priority=n] [exclusive] [no_ack] | cancel S NUMBER | get S Q
//   letters | finish Q NUMBER | prefetch S NUMBER n [unheard]
//   read S NUMBER Q first|last|next|OFFSET|-MS [prefetch=n] [tag=T] | seen S NUMBER OFFSET …
//   run | ack S Q#n … | nack … | reject … | lost … | discard … | counts Q | mark Q
//
// Sessions are a, b and c; Q#n is the n-th message that the queue took, from 0. `attach` claims
// what the session's front end believes to hold, `run` commits whatever the dispatcher needs.
// `read` begins that long ago; with a tag, what it has seen is remembered.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "broker/queue/dispatcher_readers.h"
#include "tests/unit/broker/queue/world.h"

namespace warren::queue {
namespace {

using Words = std::vector<std::string>;

class Script {
 public:
  std::string play(const std::string& line) {
    out_.str("");
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;)
      words.push_back(word);
    std::string verb = words.front();
    words.erase(words.begin());
    if (!topology(verb, words) && !streams(verb, words) && !consuming(verb, words))
      out_ << "unknown command: " << line << "\n";
    return out_.str();
  }

 private:
  struct Holding {
    QueueId queue;
    ConsumerNumber consumer;
    Held held;
  };

  // Of a stream, as its node knows it.
  struct Reader {
    Consumer consumer;
    StreamClaim claim;
    std::set<std::uint64_t> unseen;
  };

  static SessionId session(const std::string& name) {
    return name == "a" ? session_a : name == "b" ? session_b : session_c;
  }
  static std::string name(SessionId session) {
    return session == session_a ? "a" : session == session_b ? "b" : "c";
  }
  QueueId queue(const std::string& name) {
    auto [it, fresh] = queues_.try_emplace(name, QueueId(101 + queues_.size()));
    if (fresh) names_[it->second] = name;
    return it->second;
  }
  // The value of `name=value`, or `otherwise`.
  static std::uint64_t number(const Words& words, const std::string& name,
                              std::uint64_t otherwise) {
    for (const std::string& word : words)
      if (word.starts_with(name + "=")) return std::stoull(word.substr(name.size() + 1));
    return otherwise;
  }
  static std::optional<std::uint64_t> limit(const Words& words, const std::string& name) {
    constexpr std::uint64_t none = ~std::uint64_t{0};
    const std::uint64_t value = number(words, name, none);
    return value == none ? std::nullopt : std::optional(value);
  }
  std::string message(QueueId id, MessageId message_id) {
    for (const auto& [text, known] : messages_)
      if (known.first == id && known.second == message_id) return text;
    return "?";
  }

  bool topology(const std::string& verb, const Words& words) {
    if (verb == "queue") {
      make_queue(words);
    } else if (verb == "stream") {
      make_stream(words);
    } else if (verb == "publish") {
      publish(words);
    } else if (verb == "purge") {
      auto spared = world_.dispatcher.resolve_purge(session(words[0]), queue(words[1]));
      print(world_.machine.purge(queue(words[1]), spared, world_.effects));
      world_.applied();
    } else if (verb == "seal") {
      seal(words);
    } else if (verb == "remove") {
      world_.machine.remove(queue(words[0]), CatalogIndex(1000), world_.effects);
      world_.applied();
    } else if (verb == "counts") {
      QueueCounts counts = world_.dispatcher.counts(queue(words[0]));
      out_ << "ready " << counts.ready << " unacknowledged " << counts.unacknowledged
           << " consumers " << counts.consumers;
      if (counts.delayed > 0) out_ << " delayed " << counts.delayed;
      out_ << "\n";
    } else if (verb == "letters") {
      letters();
    } else if (verb == "finish") {
      world_.machine.finish_dead_letter(queue(words[0]), DeadLetterNumber(std::stoull(words[1])),
                                        world_.effects);
      world_.applied();
    } else if (verb == "mark") {
      const Mark mark = world_.machine.find(queue(words[0]))->messages.mark(LevelNumber(0));
      out_ << "mark " << mark.committed.value << " redelivered below "
           << mark.redelivered_below.value << "\n";
    } else {
      return false;
    }
    return true;
  }

  bool streams(const std::string& verb, const Words& words) {
    if (verb == "lead") {
      world_.lead(static_cast<std::uint64_t>(std::stoi(words[0])));
    } else if (verb == "restore") {
      world_.dispatcher.end_term();
      world_.machine = copy_by_snapshot(world_.machine);
    } else if (verb == "attach") {
      attach(session(words[0]), words);
    } else if (verb == "detach") {
      world_.dispatcher.session_detached(session(words[0]), world_.now);
    } else if (verb == "end") {
      world_.machine.end_session(session(words[0]), world_.effects);
      world_.applied();
      holdings_[words[0]].clear();
      consumers_[words[0]].clear();
    } else if (verb == "wait") {
      world_.pass(std::stoi(words[0]));
    } else {
      return false;
    }
    return true;
  }

  bool consuming(const std::string& verb, const Words& words) {
    static const std::map<std::string, SettleKind> kinds{{"ack", SettleKind::ack},
                                                         {"discard", SettleKind::reject},
                                                         {"nack", SettleKind::requeue_nack},
                                                         {"reject", SettleKind::requeue_reject},
                                                         {"lost", SettleKind::requeue_lost}};
    if (verb == "consume") {
      consume(words);
    } else if (verb == "read") {
      read(words);
    } else if (verb == "seen") {
      seen(words);
    } else if (verb == "cancel") {
      ConsumerNumber number(std::stoull(words[1]));
      readers_.erase(number);
      world_.dispatcher.cancel_consumer(session(words[0]), number, world_.now);
      consumers_[words[0]].erase(number);
    } else if (verb == "prefetch") {
      set_prefetch(words);
    } else if (verb == "get") {
      world_.get(session(words[0]), queue(words[1]));
    } else if (verb == "run") {
      print(world_.run());
    } else if (kinds.contains(verb)) {
      for (std::size_t i = 1; i < words.size(); ++i)
        settle(words[0], words[i], kinds.at(verb));
    } else {
      return false;
    }
    return true;
  }

  void make_queue(const Words& words) {
    Settings settings;
    settings.message_ttl_ms = limit(words, "ttl");
    settings.expires_ms = limit(words, "expires");
    settings.max_length = limit(words, "max_length");
    settings.max_octets = limit(words, "max_octets");
    settings.delivery_limit = limit(words, "deliveries");
    settings.max_priority = static_cast<std::uint8_t>(number(words, "priorities", 0));
    settings.strict_priorities = std::ranges::find(words, "strict_priorities") != words.end();
    settings.single_active = std::ranges::find(words, "single_active") != words.end();
    if (std::ranges::find(words, "dead_letters") != words.end())
      settings.dead_letters = DeadLettering{"/", words[0], "dlx", std::nullopt, false};
    for (auto [name, kind] : {std::pair{"retry=all", RetryKind::all},
                              {"retry=failed", RetryKind::failed},
                              {"retry=returned", RetryKind::returned}})
      if (std::ranges::find(words, name) != words.end()) settings.retry.kind = kind;
    settings.duplicates = {number(words, "once", 0), limit(words, "once_ms")};
    settings.retry.min_ms = number(words, "min", 0);
    settings.retry.max_ms = limit(words, "max");
    settings.retry.multiplier = number(words, "times", 0);
    if (std::ranges::find(words, "overflow=reject") != words.end())
      settings.overflow = Overflow::reject_publish;
    world_.machine.create(queue(words[0]), settings, world_.effects);
    world_.applied();
  }

  void make_stream(const Words& words) {
    Settings settings;
    settings.stream = Retention{limit(words, "max_octets"), limit(words, "max_age"),
                                limit(words, "max_messages")};
    settings.single_active = std::ranges::find(words, "single_active") != words.end();
    world_.machine.create(queue(words[0]), settings, world_.effects);
    world_.applied();
  }

  StreamReading reading(const std::string& from) const {
    StreamReading reading;
    if (from == "first" || from == "last" || from == "next") {
      reading.from = from == "first"  ? StreamPoint::first
                     : from == "last" ? StreamPoint::last
                                      : StreamPoint::next;
    } else if (from.starts_with("-")) {
      reading.from = StreamPoint::time;
      reading.at = world_.stamp().value - std::stoull(from.substr(1));
    } else {
      reading.from = StreamPoint::offset;
      reading.at = std::stoull(from);
    }
    return reading;
  }

  void read(const Words& words) {
    Consumer consumer;
    consumer.number = ConsumerNumber(std::stoull(words[1]));
    consumer.queue = queue(words[2]);
    consumer.reading = reading(words[3]);
    consumer.prefetch = static_cast<std::uint32_t>(number(words, "prefetch", 100));
    for (const std::string& word : words)
      if (word.starts_with("tag=")) consumer.tag = word.substr(4);
    consumer.reading->tracked = !consumer.tag.empty();
    world_.dispatcher.add_consumer(session(words[0]), consumer);
    consumers_[words[0]][consumer.number] = consumer;
    readers_[consumer.number].consumer = consumer;
  }

  void seen(const Words& words) {
    const ConsumerNumber number(std::stoull(words[1]));
    Reader& reader = readers_.at(number);
    for (std::size_t i = 2; i < words.size(); ++i)
      reader.claim.acknowledged += reader.unseen.erase(std::stoull(words[i]));
    reader.claim.read_through =
        reader.unseen.empty() ? reader.claim.next : Ordinal(*reader.unseen.begin());
    world_.dispatcher.readers().acknowledge(session(words[0]), number, reader.claim.acknowledged,
                                            reader.claim.read_through);
  }

  void letters() {
    for (const auto& [id, name] : names_) {
      const DeadLetters& all = world_.machine.dead_letters();
      DeadLetterNumber from{1};
      while (const DeadLetter* letter = all.next(id, from)) {
        out_ << name << " letter " << letter->number.value << ": " << message(id, letter->message)
             << " " << name_of(letter->reason) << "\n";
        from = letter->number.next();
      }
    }
  }

  void publish(const Words& words) {
    const QueueId id = queue(words[0]);
    const bool counted = words.size() > 1 && words[1].find('=') == std::string::npos;
    const auto size = static_cast<std::uint32_t>(number(words, "size", 100));
    std::optional<std::uint8_t> priority;
    if (const auto given = limit(words, "priority")) priority = static_cast<std::uint8_t>(*given);
    for (int i = counted ? std::stoi(words[1]) : 1; i > 0; --i) {
      const QueueRecord* record = world_.machine.find(id);
      if (record != nullptr && !world_.dispatcher.has_room(id, record->settings, {}, size)) {
        out_ << "full\n";
        continue;
      }
      const DuplicateKey key{0, number(words, "key", 0)};
      MessageId published =
          world_.publish(id, size, limit(words, "ttl"), priority, number(words, "delay", 0), key);
      if (key && !world_.machine.names_entry(published.entry))
        out_ << "taken already\n";
      else if (!world_.machine.takes_messages(id))
        out_ << "queue_gone\n";
      else
        messages_[fmt::format("{}#{}", names_[id], taken_[id]++)] = {id, published};
    }
  }

  void seal(const Words& words) {
    bool if_unused = std::find(words.begin(), words.end(), "if_unused") != words.end();
    bool if_empty = std::find(words.begin(), words.end(), "if_empty") != words.end();
    QueueId id = queue(words[1]);
    SealVerdict verdict = world_.dispatcher.resolve_seal(session(words[0]), id, if_unused);
    print(world_.machine.seal(id, if_empty, verdict, world_.effects));
    world_.applied();
  }

  void consume(const Words& words) {
    Consumer consumer;
    consumer.number = ConsumerNumber(std::stoull(words[1]));
    consumer.queue = queue(words[2]);
    for (const std::string& word : words) {
      if (word.starts_with("prefetch="))
        consumer.prefetch = static_cast<std::uint32_t>(std::stoi(word.substr(9)));
      if (word.starts_with("priority=")) consumer.priority = std::stoi(word.substr(9));
      if (word == "exclusive") consumer.exclusive = true;
      if (word == "no_ack") consumer.no_ack = true;
    }
    world_.dispatcher.add_consumer(session(words[0]), consumer);
    consumers_[words[0]][consumer.number] = consumer;
  }

  // Unheard: its stream is lost before the leader has it.
  void set_prefetch(const Words& words) {
    const ConsumerNumber number(std::stoull(words[1]));
    const auto prefetch = static_cast<std::uint32_t>(std::stoi(words[2]));
    consumers_[words[0]].at(number).prefetch = prefetch;
    if (words.back() != "unheard")
      world_.dispatcher.set_prefetch(session(words[0]), number, prefetch);
  }

  void attach(SessionId who, const Words& words) {
    auto forgotten = [&](const std::string& text) {
      return std::find(words.begin(), words.end(), text) != words.end();
    };
    std::vector<Claim> claims;
    for (const auto& [number, consumer] : consumers_[words[0]]) {
      Claim& claim = claims.emplace_back();
      claim.consumer = consumer;
      claim.queue = consumer.queue;
      if (auto reader = readers_.find(number); reader != readers_.end()) {
        reader->second.claim.unacknowledged = reader->second.unseen.size();
        claim.reading = reader->second.claim;
      }
    }
    for (const auto& [text, holding] : holdings_[words[0]]) {
      if (forgotten(text)) continue;
      auto claim = std::find_if(claims.begin(), claims.end(), [&](const Claim& made) {
        return made.consumer.number == holding.consumer && made.queue == holding.queue;
      });
      if (claim == claims.end()) claim = claims.insert(claims.end(), Claim());
      claim->queue = holding.queue;
      claim->held.push_back(holding.held);
    }
    world_.attach(who, claims);
    for (const auto& renewed : world_.reply.renewed)
      for (auto& [text, holding] : holdings_[words[0]])
        if (holding.held.message == renewed.message && holding.held.checkout == renewed.before) {
          holding.held.checkout = renewed.now;
          out_ << "renewed " << text << "\n";
        }
    for (const Held& held : world_.reply.refused)
      for (const auto& [text, holding] : holdings_[words[0]])
        if (holding.held == held) out_ << "refused " << text << "\n";
    for (ConsumerNumber number : world_.reply.cancelled)
      out_ << "cancelled " << number.value << "\n";
  }

  void settle(const std::string& who, const std::string& text, SettleKind kind) {
    auto it = holdings_[who].find(text);
    if (it == holdings_[who].end()) {
      out_ << text << ": not held\n";
      return;
    }
    bool accepted = world_.settle(session(who), it->second.queue, it->second.held, kind);
    if (!accepted) out_ << text << ": dropped\n";
    holdings_[who].erase(it);
  }

  void print(const Outcome& outcome) {
    static const char* const names[] = {"ok", "rejected", "queue_gone", "in_use", "not_empty"};
    out_ << names[static_cast<int>(outcome.code)] << " " << outcome.value << "\n";
  }

  void print(const Handout& handout) {
    std::string text = message(handout.queue, handout.held.message);
    std::string who = name(handout.session);
    if (handout.offset) return print_read(who, handout);
    holdings_[who][text] = {handout.queue, handout.consumer, handout.held};
    out_ << who << "/" << handout.consumer.value << " takes " << text;
    if (handout.redelivered) out_ << " redelivered";
    if (handout.delivery_count > 0) out_ << " failed=" << handout.delivery_count;
    out_ << "\n";
  }

  void print_read(const std::string& who, const Handout& handout) {
    Reader& reader = readers_.at(handout.consumer);
    reader.unseen.insert(handout.offset->value);
    reader.claim.next = handout.offset->next();
    reader.claim.begun = true;
    out_ << who << "/" << handout.consumer.value << " reads " << handout.offset->value << ": "
         << message(handout.queue, handout.held.message) << "\n";
  }

  void print(const Poll& poll) {
    static const char* const consumes[] = {"ok", "queue gone", "exclusive use"};
    for (const ConsumeAnswer& answer : poll.consumes) {
      out_ << name(answer.session) << "/" << answer.number.value << " consume "
           << consumes[static_cast<int>(answer.verdict)];
      if (answer.next) {
        out_ << " from " << answer.next->value;
        StreamClaim& claim = readers_.at(answer.number).claim;
        claim.next = claim.read_through = *answer.next;
      }
      out_ << "\n";
    }
    for (const GetAnswer& answer : poll.gets) {
      if (answer.handout) print(*answer.handout);
      out_ << name(answer.session) << " get "
           << (answer.verdict == GetVerdict::message  ? fmt::format("left {}", answer.ready_left)
               : answer.verdict == GetVerdict::empty  ? "empty"
               : answer.verdict == GetVerdict::locked ? "locked"
                                                      : "queue gone")
           << "\n";
    }
    for (const Handout& handout : poll.handouts)
      print(handout);
    for (const CancelNotice& notice : poll.cancelled) {
      out_ << name(notice.session) << "/" << notice.number.value << " cancelled\n";
      consumers_[name(notice.session)].erase(notice.number);
    }
    for (const ExpelNeed& need : poll.needs.expels)
      for (MessageId id : need.messages)
        out_ << message(need.queue, id) << " goes: " << name_of(need.reason) << "\n";
    for (QueueId id : poll.expired)
      out_ << names_[id] << " is unused\n";
    for (QueueId id : poll.consumers_gone)
      out_ << names_[id] << " has no consumers left\n";
  }

  World world_;
  std::ostringstream out_;
  std::map<std::string, QueueId> queues_;
  std::map<QueueId, std::string> names_;
  std::map<QueueId, std::uint64_t> taken_;
  std::map<std::string, std::pair<QueueId, MessageId>> messages_;
  std::map<std::string, std::map<ConsumerNumber, Consumer>> consumers_;
  std::map<std::string, std::map<std::string, Holding>> holdings_;
  std::map<ConsumerNumber, Reader> readers_;
};

// The script as it should read: commands as they are, outputs as they were.
std::string replay(std::istream& in) {
  Script script;
  std::string written, printed;
  bool skipping = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "----") {
      written += "----\n" + printed;
      printed.clear();
      skipping = true;
    } else if (line.empty()) {
      written += "\n";
      skipping = false;
    } else if (!skipping) {
      written += line + "\n";
      if (line[0] != '#') printed += script.play(line);
    }
  }
  EXPECT_EQ(printed, "") << "printed by commands without a ---- line";
  return written;
}

class QueueScenario : public testing::TestWithParam<std::string> {};

TEST_P(QueueScenario, PrintsWhatTheScriptSays) {
  std::string path = std::string(SCENARIOS) + "/" + GetParam() + ".txt";
  std::ifstream in(path);
  std::stringstream whole;
  whole << in.rdbuf();
  std::string written = replay(whole);
  if (std::getenv("WARREN_REWRITE") != nullptr)
    std::ofstream(path) << written;
  else
    EXPECT_EQ(written, whole.str());
}

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(SCENARIOS))
    if (file.path().extension() == ".txt" && file.path().stem() != "CMakeLists")
      names.push_back(file.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Scripts, QueueScenario, testing::ValuesIn(scripts()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace warren::queue
