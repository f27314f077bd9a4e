import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** What the scenarios are told with. */
class Support {
  /** A scenario, which fails by throwing. */
  interface Scenario {
    void play() throws Exception;
  }

  static String[] nodes;
  /** Closed when their scenario ends. */
  static final List<Connection> opened = new ArrayList<>();

  static ConnectionFactory factory(int node) {
    String[] address = nodes[node].split(":");
    ConnectionFactory factory = new ConnectionFactory();
    factory.setHost(address[0]);
    factory.setPort(Integer.parseInt(address[1]));
    return factory;
  }

  static Connection connect(ConnectionFactory factory) throws Exception {
    Connection connection = factory.newConnection();
    opened.add(connection);
    return connection;
  }

  static Connection connect(int node) throws Exception {
    return connect(factory(node));
  }

  /** A channel with publisher confirms. */
  static Channel channelOf(Connection connection) throws IOException {
    Channel channel = connection.createChannel();
    channel.confirmSelect();
    return channel;
  }

  static String fresh(String name) {
    return "java-" + name + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toList();
  }

  static void equal(Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(actual + ", not " + expected);
    }
  }

  static <T> T waitFor(String what, Callable<T> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    for (; ; Thread.sleep(20)) {
      T value = condition.call();
      if (value != null && !Boolean.FALSE.equals(value)) {
        return value;
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited 10 s in vain for " + what);
      }
    }
  }

  /** Publishes persistently; returns when all is confirmed. */
  static void send(Channel channel, String exchange, String key, List<String> bodies)
      throws Exception {
    for (String body : bodies) {
      channel.basicPublish(exchange, key, MessageProperties.PERSISTENT_BASIC, body.getBytes());
    }
    channel.waitForConfirmsOrDie(10_000);
  }

  static String queueOf(Channel channel, String name, List<String> bodies) throws Exception {
    return queueOf(channel, name, bodies, Map.of());
  }

  /** A durable queue with confirmed messages. */
  static String queueOf(Channel channel, String name, List<String> bodies,
      Map<String, Object> arguments) throws Exception {
    String queue = fresh(name);
    channel.queueDeclare(queue, true, false, false, arguments);
    send(channel, "", queue, bodies);
    return queue;
  }

  static GetResponse get(Channel channel, String queue) throws Exception {
    return waitFor("a message in " + queue, () -> channel.basicGet(queue, false));
  }

  static List<String> drained(Channel channel, String queue) throws IOException {
    List<String> bodies = new ArrayList<>();
    for (GetResponse one; (one = channel.basicGet(queue, true)) != null; ) {
      bodies.add(new String(one.getBody()));
    }
    return bodies;
  }

  /** A consumer; its messages are taken one by one. */
  static class Inbox {
    final BlockingQueue<Delivery> messages = new LinkedBlockingQueue<>();
    final BlockingQueue<String> cancelled = new LinkedBlockingQueue<>();
    final String tag;

    Inbox(Channel channel, String queue, boolean autoAck) throws IOException {
      tag = channel.basicConsume(queue, autoAck, (tag, message) -> messages.add(message),
          cancelled::add);
    }

    List<Delivery> take(int count) throws InterruptedException {
      List<Delivery> taken = new ArrayList<>();
      while (taken.size() < count) {
        Delivery message = messages.poll(10, TimeUnit.SECONDS);
        if (message == null) {
          throw new AssertionError(taken.size() + " of " + count + " messages came");
        }
        taken.add(message);
      }
      return taken;
    }

    void staysEmpty() throws InterruptedException {
      Delivery message = messages.poll(300, TimeUnit.MILLISECONDS);
      if (message != null) {
        throw new AssertionError(new String(message.getBody()) + " came");
      }
    }
  }

  static List<String> bodies(List<Delivery> messages) {
    return messages.stream().map(message -> new String(message.getBody())).toList();
  }

  static List<Boolean> flags(List<Delivery> messages) {
    return messages.stream().map(message -> message.getEnvelope().isRedeliver()).toList();
  }

  static void refused(int code, Scenario action) throws Exception {
    equal(codeOf(action), code);
  }

  /** The code by which the server closed the channel; 0 when it did not. */
  static int codeOf(Scenario action) throws Exception {
    try {
      action.play();
      return 0;
    } catch (IOException error) {
      if (error.getCause() instanceof ShutdownSignalException signal
          && signal.getReason() instanceof AMQP.Channel.Close close) {
        return close.getReplyCode();
      }
      throw error;
    }
  }

  static void waitUntilGone(Connection connection, String queue) throws Exception {
    waitFor("the queue's end", () ->
        codeOf(() -> connection.createChannel().queueDeclarePassive(queue)) == 404);
  }

  static String bound(Channel channel, String exchange, String key, Map<String, Object> arguments)
      throws IOException {
    String queue = channel.queueDeclare("", false, true, false, Map.of()).getQueue();
    channel.queueBind(queue, exchange, key, arguments);
    return queue;
  }

  static String exchangeOf(Channel channel, String kind) throws IOException {
    String exchange = fresh(kind);
    channel.exchangeDeclare(exchange, kind, true);
    return exchange;
  }
}
