import com.rabbitmq.client.ShutdownSignalException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.springframework.amqp.AmqpAuthenticationException;
import org.springframework.amqp.AmqpException;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.BindingBuilder;
import org.springframework.amqp.core.DirectExchange;
import org.springframework.amqp.core.FanoutExchange;
import org.springframework.amqp.core.HeadersExchange;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageBuilder;
import org.springframework.amqp.core.MessageDeliveryMode;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.core.MessagePropertiesBuilder;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.core.QueueBuilder;
import org.springframework.amqp.core.TopicExchange;
import org.springframework.amqp.rabbit.connection.AbstractConnectionFactory.AddressShuffleMode;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.DirectMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.ListenerContainerConsumerTerminatedEvent;
import org.springframework.amqp.rabbit.listener.adapter.MessageListenerAdapter;
import org.springframework.amqp.rabbit.transaction.RabbitTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** The scenarios through Spring AMQP: Main HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...] */
class Main extends Support {
  static final Map<String, Scenario> scenarios = new LinkedHashMap<>();

  static {
    scenarios.put("hello", Main::hello);
    scenarios.put("login-refused", Main::loginRefused);
    scenarios.put("confirms", Main::confirms);
    scenarios.put("prefetch", Main::prefetch);
    scenarios.put("nack", Main::nack);
    scenarios.put("reject", Main::reject);
    scenarios.put("recover", Main::recover);
    scenarios.put("return", Main::returned);
    scenarios.put("properties", Main::properties);
    scenarios.put("exchanges", Main::exchanges);
    scenarios.put("topic-wildcards", Main::topicWildcards);
    scenarios.put("exchange-binding", Main::exchangeBinding);
    scenarios.put("server-named", Main::serverNamed);
    scenarios.put("exclusive", Main::exclusive);
    scenarios.put("auto-delete", Main::autoDelete);
    scenarios.put("redeclare", Main::redeclare);
    scenarios.put("missing-queue", Main::missingQueue);
    scenarios.put("counts", Main::counts);
    scenarios.put("consumer-cancelled", Main::consumerCancelled);
    scenarios.put("channels", Main::channels);
    scenarios.put("large-body", Main::largeBody);
    scenarios.put("heartbeat", Main::heartbeat);
    scenarios.put("close-consuming", Main::closeConsuming);
    scenarios.put("fair-dispatch", Main::fairDispatch);
    scenarios.put("rpc", Main::rpc);
    scenarios.put("failover", Main::failover);
    scenarios.put("tx", Main::tx);
    scenarios.put("direct-reply-to", Main::directReplyTo);
    scenarios.put("dead-letter", Main::deadLetter);
    scenarios.put("priority", Main::priority);
    scenarios.put("max-length", Main::maxLength);
    scenarios.put("single-active-consumer", Main::singleActiveConsumer);
  }

  static void hello() {
    String queue = fresh("hello");
    Client here = new Client(0);
    here.admin.declareQueue(new Queue(queue, false));
    here.template.convertAndSend(queue, "hello");
    equal(text(new Client(1).template.receive(queue, 5000)), "hello");
  }

  static void loginRefused() {
    Client client = new Client(0);
    client.factory.setPassword("wrong");
    try {
      client.factory.createConnection();
    } catch (AmqpAuthenticationException error) {
      equal(error.getMessage().contains("ACCESS_REFUSED"), true);
      return;
    }
    throw new AssertionError("a wrong password was accepted");
  }

  static void confirms() {
    Client client = new Client(0);
    String queue = client.queueOf("confirms", numbers(1000));
    equal(client.admin.getQueueInfo(queue).getMessageCount(), 1000L);
  }

  static void prefetch() throws Exception {
    Client client = new Client(0);
    Inbox inbox = new Inbox();
    client.listen(client.queueOf("prefetch", numbers(20)), 5, AcknowledgeMode.MANUAL, inbox);
    List<String> came = new ArrayList<>();
    while (came.size() < 20) {
      List<Message> some = inbox.take(5);
      inbox.staysEmpty();
      came.addAll(texts(some));
      inbox.channel.basicAck(some.get(4).getMessageProperties().getDeliveryTag(), true);
    }
    equal(came, List.of(numbers(20)));
  }

  /** A listener that throws: the container nacks with requeue. */
  static void nack() throws Exception {
    Client client = new Client(0);
    BlockingQueue<Boolean> came = new LinkedBlockingQueue<>();
    client.listen(client.queueOf("nack", "work"), 1, AcknowledgeMode.AUTO, (message, channel) -> {
      came.add(message.getMessageProperties().isRedelivered());
      if (!message.getMessageProperties().isRedelivered()) {
        throw new IllegalStateException("not this time");
      }
    });
    equal(came.poll(10, TimeUnit.SECONDS), false);
    equal(came.poll(10, TimeUnit.SECONDS), true);
  }

  static void reject() throws Exception {
    Client client = new Client(0);
    Inbox inbox = new Inbox();
    String queue = client.queueOf("reject", "bad", "good");
    client.listen(queue, 1, AcknowledgeMode.AUTO, (message, channel) -> {
      inbox.onMessage(message, channel);
      if (text(message).equals("bad")) {
        throw new AmqpRejectAndDontRequeueException("bad");
      }
    });
    equal(texts(inbox.take(2)), List.of("bad", "good"));
    inbox.staysEmpty();
    equal(client.admin.getQueueInfo(queue).getMessageCount(), 0L);
  }

  static void recover() throws Exception {
    Client client = new Client(0);
    Inbox inbox = new Inbox();
    client.listen(client.queueOf("recover", numbers(3)), 5, AcknowledgeMode.MANUAL, inbox);
    inbox.take(3);
    inbox.channel.basicRecover(true);
    List<Message> again = inbox.take(3);
    equal(texts(again), List.of(numbers(3)));
    equal(flags(again), List.of(true, true, true));
  }

  static void returned() throws Exception {
    Client client = new Client(0);
    client.factory.setPublisherReturns(true);
    BlockingQueue<String> came = new LinkedBlockingQueue<>();
    client.template.setMandatory(true);
    client.template.setReturnsCallback(told ->
        came.add(told.getReplyCode() + " " + text(told.getMessage())));
    client.template.send("", fresh("nowhere"), message("lost"));
    equal(came.poll(10, TimeUnit.SECONDS), "312 lost");
  }

  /** Octets compare by identity unless they are made a list. */
  static Map<String, Object> plain(Map<String, Object> headers) {
    Map<String, Object> made = new HashMap<>(headers);
    made.computeIfPresent("bytes", (key, octets) -> Arrays.toString((byte[]) octets));
    return made;
  }

  static void properties() {
    Date moment = new Date(1_700_000_000_000L);
    Map<String, Object> headers = new HashMap<>();
    headers.put("bool", true);
    headers.put("byte", (byte) -7);
    headers.put("short", (short) -300);
    headers.put("int", -70000);
    headers.put("long", 1L << 40);
    headers.put("float", 1.5f);
    headers.put("double", 0.5);
    headers.put("decimal", new BigDecimal("1.25"));
    headers.put("string", "text ☃");
    headers.put("bytes", new byte[] {0, -1});
    headers.put("time", moment);
    headers.put("table", Map.of("inner", Map.of("deep", 1)));
    headers.put("array", List.of(1, "two", List.of(3.5, false), Map.of("k", "v")));
    MessageProperties sent = MessagePropertiesBuilder.newInstance().copyHeaders(headers)
        .setContentType("text/plain").setContentEncoding("utf-8")
        .setDeliveryMode(MessageDeliveryMode.PERSISTENT).setPriority(3)
        .setCorrelationId("correlation").setReplyTo("reply").setExpiration("60000")
        .setMessageId("id").setTimestamp(moment).setType("type").setUserId("guest")
        .setAppId("app").build();
    Client here = new Client(0);
    String queue = here.queueOf("properties");
    here.send("", queue, List.of(MessageBuilder.withBody(new byte[0]).andProperties(sent).build()));
    MessageProperties came =
        new Client(1).template.receive(queue, 5000).getMessageProperties();
    equal(plain(came.getHeaders()), plain(headers));
    equal(seen(came, came.getReceivedDeliveryMode(), came.getReceivedUserId()),
        seen(sent, sent.getDeliveryMode(), sent.getUserId()));
  }

  static List<Object> seen(MessageProperties one, MessageDeliveryMode mode, String user) {
    return List.of(one.getContentType(), one.getContentEncoding(), mode, one.getPriority(),
        one.getCorrelationId(), one.getReplyTo(), one.getExpiration(), one.getMessageId(),
        one.getTimestamp(), one.getType(), user, one.getAppId());
  }

  static Queue temporary(RabbitAdmin admin) {
    return admin.declareQueue();
  }

  static void exchanges() {
    Client client = new Client(0);
    RabbitAdmin admin = client.admin;
    DirectExchange direct = new DirectExchange(fresh("direct"));
    FanoutExchange fanout = new FanoutExchange(fresh("fanout"));
    TopicExchange topic = new TopicExchange(fresh("topic"));
    HeadersExchange headers = new HeadersExchange(fresh("headers"));
    List.of(direct, fanout, topic, headers).forEach(admin::declareExchange);
    Queue one = temporary(admin);
    Queue two = temporary(admin);
    for (Queue queue : List.of(one, two)) {
      admin.declareBinding(BindingBuilder.bind(queue).to(direct).with("a"));
      admin.declareBinding(BindingBuilder.bind(queue).to(fanout));
      admin.declareBinding(BindingBuilder.bind(queue).to(topic).with("a.*"));
    }
    client.send(direct.getName(), "a", "direct");
    client.send(direct.getName(), "b", "no");
    client.send(fanout.getName(), "b", "fanout");
    client.send(topic.getName(), "a.b", "topic");
    client.send(topic.getName(), "a.b.c", "no");
    equal(client.drained(one.getName()), List.of("direct", "fanout", "topic"));
    equal(client.drained(two.getName()), List.of("direct", "fanout", "topic"));
    Map<String, Object> wanted = Map.of("a", 1, "b", "two");
    admin.declareBinding(BindingBuilder.bind(one).to(headers).whereAll(wanted).match());
    admin.declareBinding(BindingBuilder.bind(two).to(headers).whereAny(wanted).match());
    client.send(headers.getName(), "", List.of(
        MessageBuilder.fromMessage(message("both")).copyHeaders(wanted).build(),
        MessageBuilder.fromMessage(message("one")).copyHeaders(Map.of("a", 1, "b", "three"))
            .build(),
        MessageBuilder.fromMessage(message("none")).copyHeaders(Map.of("c", 1)).build()));
    equal(client.drained(one.getName()), List.of("both"));
    equal(client.drained(two.getName()), List.of("both", "one"));
  }

  static void topicWildcards() {
    Client client = new Client(0);
    TopicExchange exchange = new TopicExchange(fresh("topic"));
    client.admin.declareExchange(exchange);
    List<String> keys = List.of("quick.orange.rabbit", "lazy", "lazy.orange.fox", "rabbit",
        "orange", "lazy.pink.rabbit.x");
    Map<String, List<String>> expected = Map.of(
        "*.orange.*", List.of("quick.orange.rabbit", "lazy.orange.fox"),
        "#.rabbit", List.of("quick.orange.rabbit", "rabbit"),
        "lazy.#", List.of("lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"), "#", keys);
    Map<String, Queue> queues = new HashMap<>();
    expected.keySet().forEach(key -> {
      queues.put(key, temporary(client.admin));
      client.admin.declareBinding(BindingBuilder.bind(queues.get(key)).to(exchange).with(key));
    });
    keys.forEach(key -> client.send(exchange.getName(), key, key));
    expected.forEach((key, came) -> equal(client.drained(queues.get(key).getName()), came));
  }

  static void exchangeBinding() {
    Client client = new Client(0);
    TopicExchange source = new TopicExchange(fresh("source"));
    FanoutExchange destination = new FanoutExchange(fresh("destination"));
    client.admin.declareExchange(source);
    client.admin.declareExchange(destination);
    client.admin.declareBinding(BindingBuilder.bind(destination).to(source).with("log.*"));
    Queue queue = temporary(client.admin);
    client.admin.declareBinding(BindingBuilder.bind(queue).to(destination));
    client.send(source.getName(), "log.a", "yes");
    client.send(source.getName(), "metric.a", "no");
    equal(client.drained(queue.getName()), List.of("yes"));
  }

  static void serverNamed() {
    Client client = new Client(0);
    String queue = client.admin.declareQueue(new Queue("", false, false, false));
    equal(queue.substring(0, 8), "amq.gen-");
    client.send("", queue, "found");
    equal(client.drained(queue), List.of("found"));
  }

  static void exclusive() throws Exception {
    Client here = new Client(0);
    Client there = new Client(1);
    String queue = here.admin.declareQueue(new Queue(fresh("exclusive"), false, true, false));
    equal(there.passiveCode(queue), 405);
    here.factory.destroy();
    there.waitUntilGone(queue);
  }

  static void autoDelete() throws Exception {
    Client client = new Client(0);
    String queue = client.admin.declareQueue(new Queue(fresh("auto-delete"), false, false, true));
    client.listen(queue, 1, AcknowledgeMode.AUTO, new Inbox()).stop();
    client.waitUntilGone(queue);
  }

  static void redeclare() {
    Client client = new Client(0);
    String queue = client.queueOf("redeclare");
    equal(codeOf(() -> client.template.execute(channel ->
        channel.queueDeclare(queue, false, false, false, Map.of()))), 406);
    equal(client.passiveCode(queue), 0);
  }

  static void missingQueue() {
    Client client = new Client(0);
    equal(client.passiveCode(fresh("missing")), 404);
    equal(client.admin.getQueueInfo(fresh("missing")), null);
    temporary(client.admin);
  }

  static void counts() {
    Client client = new Client(0);
    String queue = client.queueOf("counts", "a", "b", "c");
    equal(client.admin.getQueueInfo(queue).getMessageCount(), 3L);
    equal(client.admin.purgeQueue(queue), 3);
    client.send("", queue, "d", "e");
    equal(client.template.execute(channel -> channel.queueDelete(queue)).getMessageCount(), 2);
  }

  static void consumerCancelled() throws Exception {
    Client client = new Client(0);
    String queue = client.queueOf("cancelled");
    DirectMessageListenerContainer container = new DirectMessageListenerContainer(client.factory);
    BlockingQueue<String> told = new LinkedBlockingQueue<>();
    container.setQueueNames(queue);
    container.setMessageListener(message -> { });
    container.setApplicationEventPublisher(event -> {
      if (event instanceof ListenerContainerConsumerTerminatedEvent ended) {
        told.add(ended.getReason());
      }
    });
    container.start();
    ends.add(container::stop);
    waitFor("the consumer", () -> client.admin.getQueueInfo(queue).getConsumerCount() == 1);
    new Client(1).admin.deleteQueue(queue);
    equal(String.valueOf(told.poll(10, TimeUnit.SECONDS)).contains("cancel"), true);
  }

  static void channels() throws Exception {
    Client client = new Client(0);
    Map<String, Inbox> inboxes = new LinkedHashMap<>();
    for (int i = 0; i < 20; i++) {
      String queue = client.admin.declareQueue(new Queue(fresh("channels"), false, true, false));
      inboxes.put(queue, new Inbox());
      client.listen(queue, 10, AcknowledgeMode.NONE, inboxes.get(queue));
    }
    for (String number : numbers(10)) {
      inboxes.keySet().forEach(queue -> client.template.send("", queue, message(number)));
    }
    for (Inbox inbox : inboxes.values()) {
      equal(texts(inbox.take(10)), List.of(numbers(10)));
    }
  }

  static void largeBody() {
    byte[] body = new byte[5 << 20];
    new Random(1).nextBytes(body);
    Client here = new Client(0);
    String queue = here.queueOf("large");
    here.send("", queue, List.of(MessageBuilder.withBody(body).build()));
    equal(Arrays.equals(new Client(1).template.receive(queue, 10_000).getBody(), body), true);
  }

  static void heartbeat() throws Exception {
    Client client = new Client(0);
    client.factory.setRequestedHeartBeat(1);
    AtomicInteger connections = new AtomicInteger();
    client.factory.addConnectionListener(connection -> connections.incrementAndGet());
    client.factory.createConnection();
    Thread.sleep(4000);
    equal(client.drained(client.queueOf("heartbeat", "alive")), List.of("alive"));
    equal(connections.get(), 1);
  }

  static void closeConsuming() throws Exception {
    Client here = new Client(0);
    Client there = new Client(1);
    Inbox inbox = new Inbox();
    String queue = here.queueOf("close", numbers(10));
    var container = here.listen(queue, 5, AcknowledgeMode.MANUAL, inbox);
    inbox.take(5);
    container.stop();
    here.factory.destroy();
    Inbox next = new Inbox();
    there.listen(queue, 20, AcknowledgeMode.MANUAL, next);
    List<Message> came = next.take(10);
    equal(texts(came), List.of(numbers(10)));
    equal(flags(came), came.stream().map(one -> Integer.parseInt(text(one)) < 5).toList());
  }

  static void fairDispatch() throws Exception {
    Client client = new Client(0);
    String queue = client.queueOf("fair");
    Inbox busy = new Inbox();
    AtomicInteger done = new AtomicInteger();
    client.listen(queue, 1, AcknowledgeMode.MANUAL, busy);
    client.listen(queue, 1, AcknowledgeMode.AUTO, (message, channel) -> done.incrementAndGet());
    waitFor("both consumers", () -> client.admin.getQueueInfo(queue).getConsumerCount() == 2);
    client.send("", queue, numbers(10));
    waitFor("nine messages", () -> done.get() == 9);
    busy.take(1);
    busy.staysEmpty();
  }

  /** Answers twice the number that it is asked. */
  static MessageListenerAdapter doubling() {
    return new MessageListenerAdapter(new Object() {
      @SuppressWarnings("unused") // by the adapter, by its name
      public String handleMessage(String number) {
        return Integer.toString(2 * Integer.parseInt(number));
      }
    });
  }

  static void ask(RabbitTemplate client, String queue) {
    client.setReplyTimeout(5000);
    for (String number : numbers(5)) {
      equal(client.convertSendAndReceive(queue, (Object) number),
          Integer.toString(2 * Integer.parseInt(number)));
    }
  }

  static void rpc() {
    Client server = new Client(0);
    String queue = server.queueOf("rpc");
    server.listen(queue, 1, AcknowledgeMode.AUTO, doubling());
    RabbitTemplate client = new Client(1).template;
    client.setUseTemporaryReplyQueues(true);
    ask(client, queue);
  }

  /** By the container's own recovery, and a connection factory that knows all nodes. */
  static void failover() throws Exception {
    Client client = new Client(0);
    client.factory.setAddressShuffleMode(AddressShuffleMode.NONE);
    client.factory.setAddresses(String.join(",", nodes));
    List<String> confirmed = Collections.synchronizedList(new ArrayList<>());
    for (String number : numbers(10)) {
      confirmed.add("held " + number);
    }
    List<String> held = List.copyOf(confirmed);
    String queue = client.queueOf("failover", held.toArray(String[]::new));
    Map<String, Boolean> came = new ConcurrentHashMap<>();
    AtomicBoolean acking = new AtomicBoolean();
    client.listen(queue, held.size(), AcknowledgeMode.MANUAL, (message, channel) -> {
      came.put(text(message), message.getMessageProperties().isRedelivered());
      if (acking.get()) {
        channel.basicAck(message.getMessageProperties().getDeliveryTag(), false);
      }
    });
    waitFor("what is held", () -> came.size() == held.size());
    System.out.println("want kill");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    for (int left = -1; left != 0; ) {
      String body = "message " + confirmed.size();
      try {
        client.send("", queue, body);
        confirmed.add(body);
        left--;
      } catch (AmqpException | ShutdownSignalException lost) {
        acking.set(true);
        left = 50;
        Thread.sleep(100);
      }
      equal(System.nanoTime() < deadline, true);
    }
    waitFor("all that was confirmed", () -> came.keySet().containsAll(confirmed));
    equal(held.stream().allMatch(came::get), true);
  }

  static void tx() {
    CachingConnectionFactory factory = new CachingConnectionFactory();
    factory.setAddresses(nodes[0]);
    ends.add(factory::destroy);
    RabbitTemplate template = new RabbitTemplate(factory);
    template.setChannelTransacted(true);
    String queue = new RabbitAdmin(factory).declareQueue(new Queue(fresh("tx")));
    TransactionTemplate transaction =
        new TransactionTemplate(new RabbitTransactionManager(factory));
    transaction.executeWithoutResult(status -> {
      template.send("", queue, message("rolled back"));
      status.setRollbackOnly();
    });
    transaction.executeWithoutResult(status -> template.send("", queue, message("committed")));
    equal(text(template.receive(queue, 5000)), "committed");
    equal(template.receive(queue), null);
  }

  static void directReplyTo() {
    Client server = new Client(0);
    String queue = server.queueOf("direct-reply");
    BlockingQueue<String> repliedTo = new LinkedBlockingQueue<>();
    MessageListenerAdapter doubling = doubling();
    server.listen(queue, 1, AcknowledgeMode.AUTO, (message, channel) -> {
      repliedTo.add(message.getMessageProperties().getReplyTo());
      doubling.onMessage(message, channel);
    });
    ask(new Client(1).template, queue);
    equal(repliedTo.stream().allMatch(to -> to.startsWith("amq.rabbitmq.reply-to.")), true);
  }

  static void deadLetter() {
    Client client = new Client(0);
    String dead = client.queueOf("dead");
    String queue = client.queueOf(QueueBuilder.durable(fresh("short-lived")).ttl(200)
        .deadLetterExchange("").deadLetterRoutingKey(dead).build(), "late");
    Message message = client.template.receive(dead, 5000);
    Map<String, ?> death = message.getMessageProperties().getXDeathHeader().get(0);
    equal(text(message), "late");
    equal(List.of(death.get("reason"), death.get("queue"), death.get("count")),
        List.of("expired", queue, 1L));
  }

  static void priority() {
    Client client = new Client(0);
    String queue = client.queueOf(QueueBuilder.durable(fresh("priority")).maxPriority(10).build());
    for (int level : new int[] {1, 5, 9, 5}) {
      client.send("", queue, List.of(MessageBuilder.fromMessage(message("" + level))
          .setPriority(level).build()));
    }
    equal(client.drained(queue), List.of("9", "5", "5", "1"));
  }

  static void maxLength() {
    Client client = new Client(0);
    String queue = client.queueOf(
        QueueBuilder.durable(fresh("max-length")).maxLength(3L).build(), numbers(5));
    equal(client.drained(queue), List.of("2", "3", "4"));
  }

  static void singleActiveConsumer() throws Exception {
    Client client = new Client(0);
    String queue = client.queueOf(
        QueueBuilder.durable(fresh("single")).singleActiveConsumer().build());
    Inbox first = new Inbox();
    Inbox second = new Inbox();
    var active = client.listen(queue, 10, AcknowledgeMode.AUTO, first);
    client.listen(queue, 10, AcknowledgeMode.AUTO, second);
    client.send("", queue, numbers(5));
    first.take(5);
    second.staysEmpty();
    active.stop();
    client.send("", queue, "next");
    equal(texts(second.take(1)), List.of("next"));
  }

  public static void main(String[] arguments) {
    Logger.getLogger("").setLevel(Level.SEVERE); // what fails is told below
    nodes = arguments[0].split(",");
    System.out.println("version " + RabbitTemplate.class.getPackage().getImplementationVersion());
    List<String> wanted = Arrays.asList(arguments).subList(1, arguments.length);
    for (String name : wanted.isEmpty() ? List.copyOf(scenarios.keySet()) : wanted) {
      try {
        scenarios.get(name).play();
        System.out.println("ok " + name);
      } catch (Exception | AssertionError error) {
        System.out.println("not ok " + name + ": " + error.toString().replace('\n', ' '));
      }
      Collections.reverse(ends);
      for (Runnable end : ends) {
        end.run();
      }
      ends.clear();
    }
    System.exit(0); // idle threads of the factories would linger
  }
}
