import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.ShutdownSignalException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.springframework.amqp.AmqpException;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageBuilder;
import org.springframework.amqp.core.MessageDeliveryMode;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.core.QueueBuilder;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.api.ChannelAwareMessageListener;

/** What the scenarios are told with. */
class Support {
  /** A scenario, which fails by throwing. */
  interface Scenario {
    void play() throws Exception;
  }

  static String[] nodes;
  /** Undone in reverse order when their scenario ends. */
  static final List<Runnable> ends = new ArrayList<>();

  /** A connection to a node, and the beans that an application would have. */
  static class Client {
    final CachingConnectionFactory factory = new CachingConnectionFactory();
    final RabbitTemplate template = new RabbitTemplate(factory);
    final RabbitAdmin admin = new RabbitAdmin(template);

    Client(int node) {
      factory.setAddresses(nodes[node]);
      factory.setPublisherConfirmType(CachingConnectionFactory.ConfirmType.SIMPLE);
      ends.add(factory::destroy);
    }

    /** Publishes persistently; returns when all is confirmed. */
    void send(String exchange, String key, List<Message> messages) {
      template.invoke(operations -> {
        messages.forEach(message -> operations.send(exchange, key, message));
        operations.waitForConfirmsOrDie(10_000);
        return null;
      });
    }

    void send(String exchange, String key, String... bodies) {
      send(exchange, key, List.of(bodies).stream().map(Support::message).toList());
    }

    /** A durable queue with confirmed messages. */
    String queueOf(String name, String... bodies) {
      return queueOf(QueueBuilder.durable(fresh(name)).build(), bodies);
    }

    String queueOf(Queue queue, String... bodies) {
      admin.declareQueue(queue);
      send("", queue.getName(), bodies);
      return queue.getName();
    }

    List<String> drained(String queue) {
      List<String> bodies = new ArrayList<>();
      for (Message one; (one = template.receive(queue)) != null; ) {
        bodies.add(text(one));
      }
      return bodies;
    }

    /** The code by which the server refuses a passive declare; 0 when it does not. */
    int passiveCode(String queue) {
      return codeOf(() -> template.execute(channel -> channel.queueDeclarePassive(queue)));
    }

    void waitUntilGone(String queue) throws Exception {
      waitFor("the queue's end", () -> passiveCode(queue) == 404);
    }

    SimpleMessageListenerContainer listen(String queue, int prefetch, AcknowledgeMode mode,
        ChannelAwareMessageListener listener) {
      SimpleMessageListenerContainer container = new SimpleMessageListenerContainer(factory);
      container.setQueueNames(queue);
      container.setPrefetchCount(prefetch);
      container.setAcknowledgeMode(mode);
      container.setMessageListener(listener);
      container.setRecoveryInterval(200);
      container.setShutdownTimeout(1000);
      container.start();
      ends.add(container::stop);
      return container;
    }
  }

  /** What a listener has received. */
  static class Inbox implements ChannelAwareMessageListener {
    final BlockingQueue<Message> messages = new LinkedBlockingQueue<>();
    volatile com.rabbitmq.client.Channel channel;

    @Override
    public void onMessage(Message message, com.rabbitmq.client.Channel channel) {
      this.channel = channel;
      messages.add(message);
    }

    List<Message> take(int count) throws InterruptedException {
      List<Message> taken = new ArrayList<>();
      while (taken.size() < count) {
        Message message = messages.poll(10, TimeUnit.SECONDS);
        if (message == null) {
          throw new AssertionError(taken.size() + " of " + count + " messages came");
        }
        taken.add(message);
      }
      return taken;
    }

    void staysEmpty() throws InterruptedException {
      Message message = messages.poll(300, TimeUnit.MILLISECONDS);
      if (message != null) {
        throw new AssertionError(text(message) + " came");
      }
    }
  }

  static Message message(String body) {
    return MessageBuilder.withBody(body.getBytes(StandardCharsets.UTF_8))
        .setDeliveryMode(MessageDeliveryMode.PERSISTENT).build();
  }

  static String text(Message message) {
    return new String(message.getBody(), StandardCharsets.UTF_8);
  }

  static List<String> texts(List<Message> messages) {
    return messages.stream().map(Support::text).toList();
  }

  static List<Boolean> flags(List<Message> messages) {
    return messages.stream()
        .map(message -> message.getMessageProperties().isRedelivered()).toList();
  }

  static String fresh(String name) {
    return "spring-" + name + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  static String[] numbers(int count) {
    return IntStream.range(0, count).mapToObj(Integer::toString).toArray(String[]::new);
  }

  static void equal(Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(actual + ", not " + expected);
    }
  }

  static void waitFor(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    for (; !condition.call(); Thread.sleep(20)) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("waited 10 s in vain for " + what);
      }
    }
  }

  /** The code by which the server closed the channel; 0 when it did not. */
  static int codeOf(Runnable action) {
    try {
      action.run();
      return 0;
    } catch (AmqpException error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (cause instanceof ShutdownSignalException signal
            && signal.getReason() instanceof AMQP.Channel.Close close) {
          return close.getReplyCode();
        }
      }
      throw error;
    }
  }
}
