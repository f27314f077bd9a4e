import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Address;
import com.rabbitmq.client.AddressResolver;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.LongString;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/** The scenarios through the Java client: Main HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...] */
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

  static void hello() throws Exception {
    Channel here = connect(0).createChannel();
    Channel there = connect(1).createChannel();
    String queue = here.queueDeclare(fresh("hello"), false, false, false, Map.of()).getQueue();
    here.basicPublish("", queue, null, "hello".getBytes());
    equal(new String(get(there, queue).getBody()), "hello");
  }

  static void loginRefused() throws Exception {
    ConnectionFactory factory = factory(0);
    factory.setPassword("wrong");
    try {
      connect(factory);
    } catch (AuthenticationFailureException error) {
      equal(error.getMessage().contains("ACCESS_REFUSED"), true);
      return;
    }
    throw new AssertionError("a wrong password was accepted");
  }

  static void confirms() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "confirms", numbers(1000));
    equal(channel.messageCount(queue), 1000L);
  }

  static void prefetch() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "prefetch", numbers(20));
    channel.basicQos(5);
    Inbox inbox = new Inbox(channel, queue, false);
    List<String> came = new ArrayList<>();
    while (came.size() < 20) {
      var some = inbox.take(5);
      inbox.staysEmpty();
      came.addAll(bodies(some));
      channel.basicAck(some.get(4).getEnvelope().getDeliveryTag(), true);
    }
    equal(came, numbers(20));
  }

  static void nack() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "nack", List.of("work"));
    GetResponse first = get(channel, queue);
    equal(first.getEnvelope().isRedeliver(), false);
    channel.basicNack(first.getEnvelope().getDeliveryTag(), false, true);
    GetResponse again = get(channel, queue);
    equal(again.getEnvelope().isRedeliver(), true);
    equal(new String(again.getBody()), "work");
    channel.basicAck(again.getEnvelope().getDeliveryTag(), false);
  }

  static void reject() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "reject", List.of("bad", "good"));
    channel.basicReject(get(channel, queue).getEnvelope().getDeliveryTag(), false);
    equal(drained(channel, queue), List.of("good"));
  }

  static void recover() throws Exception {
    Channel channel = channelOf(connect(0));
    Inbox inbox = new Inbox(channel, queueOf(channel, "recover", numbers(3)), false);
    inbox.take(3);
    channel.basicRecover(true);
    var again = inbox.take(3);
    equal(bodies(again), numbers(3));
    equal(flags(again), List.of(true, true, true));
  }

  static void returned() throws Exception {
    Channel channel = channelOf(connect(0));
    BlockingQueue<String> came = new LinkedBlockingQueue<>();
    channel.addReturnListener(message ->
        came.add(message.getReplyCode() + " " + new String(message.getBody())));
    channel.basicPublish("", fresh("nowhere"), true, null, "lost".getBytes());
    equal(came.poll(10, TimeUnit.SECONDS), "312 lost");
  }

  /** The client reads every string as a LongString, and octets as an array. */
  static Object plain(Object value) {
    if (value instanceof LongString text) {
      return text.toString();
    }
    if (value instanceof byte[] octets) {
      return Arrays.toString(octets);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Main::plain).toList();
    }
    if (value instanceof Map<?, ?> table) {
      Map<Object, Object> made = new HashMap<>();
      table.forEach((key, one) -> made.put(key, plain(one)));
      return made;
    }
    return value;
  }

  static void properties() throws Exception {
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
    headers.put("void", null);
    headers.put("table", Map.of("inner", Map.of("deep", 1)));
    headers.put("array", List.of(1, "two", List.of(3.5, false), Map.of("k", "v")));
    AMQP.BasicProperties sent = new AMQP.BasicProperties.Builder().headers(headers)
        .contentType("text/plain").contentEncoding("utf-8").deliveryMode(2).priority(3)
        .correlationId("correlation").replyTo("reply").expiration("60000").messageId("id")
        .timestamp(moment).type("type").userId("guest").appId("app").build();
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "properties", List.of());
    channel.basicPublish("", queue, sent, new byte[0]);
    channel.waitForConfirmsOrDie(10_000);
    AMQP.BasicProperties came = get(channelOf(connect(1)), queue).getProps();
    equal(plain(came.getHeaders()), plain(headers));
    equal(came.builder().headers(null).build(), sent.builder().headers(null).build());
  }

  static void exchanges() throws Exception {
    Channel channel = channelOf(connect(0));
    for (String[] one : new String[][] {
        {"direct", "a", "a", "b"}, {"fanout", "a", "b", null}, {"topic", "a.*", "a.b", "a.b.c"}}) {
      String exchange = exchangeOf(channel, one[0]);
      String first = bound(channel, exchange, one[1], Map.of());
      String second = bound(channel, exchange, one[1], Map.of());
      send(channel, exchange, one[2], List.of("yes"));
      if (one[3] != null) {
        send(channel, exchange, one[3], List.of("no"));
      }
      equal(drained(channel, first), List.of("yes"));
      equal(drained(channel, second), List.of("yes"));
    }
    String exchange = exchangeOf(channel, "headers");
    String whole = bound(channel, exchange, "", Map.of("x-match", "all", "a", 1, "b", "two"));
    String some = bound(channel, exchange, "", Map.of("x-match", "any", "a", 1, "b", "two"));
    Map<String, Map<String, Object>> messages = new LinkedHashMap<>();
    messages.put("both", Map.of("a", 1, "b", "two"));
    messages.put("one", Map.of("a", 1, "b", "three"));
    messages.put("none", Map.of("c", 1));
    for (var message : messages.entrySet()) {
      var with = new AMQP.BasicProperties.Builder().headers(message.getValue()).build();
      channel.basicPublish(exchange, "", with, message.getKey().getBytes());
    }
    channel.waitForConfirmsOrDie(10_000);
    equal(drained(channel, whole), List.of("both"));
    equal(drained(channel, some), List.of("both", "one"));
  }

  static void topicWildcards() throws Exception {
    Channel channel = channelOf(connect(0));
    String exchange = exchangeOf(channel, "topic");
    List<String> keys = List.of("quick.orange.rabbit", "lazy", "lazy.orange.fox", "rabbit",
        "orange", "lazy.pink.rabbit.x");
    Map<String, List<String>> expected = Map.of(
        "*.orange.*", List.of("quick.orange.rabbit", "lazy.orange.fox"),
        "#.rabbit", List.of("quick.orange.rabbit", "rabbit"),
        "lazy.#", List.of("lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"), "#", keys);
    Map<String, String> queues = new HashMap<>();
    for (String key : expected.keySet()) {
      queues.put(key, bound(channel, exchange, key, Map.of()));
    }
    for (String key : keys) {
      send(channel, exchange, key, List.of(key));
    }
    for (String key : expected.keySet()) {
      equal(drained(channel, queues.get(key)), expected.get(key));
    }
  }

  static void exchangeBinding() throws Exception {
    Channel channel = channelOf(connect(0));
    String source = exchangeOf(channel, "topic");
    String destination = exchangeOf(channel, "fanout");
    channel.exchangeBind(destination, source, "log.*");
    String queue = bound(channel, destination, "", Map.of());
    send(channel, source, "log.a", List.of("yes"));
    send(channel, source, "metric.a", List.of("no"));
    equal(drained(channel, queue), List.of("yes"));
  }

  static void serverNamed() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = channel.queueDeclare("", false, false, false, Map.of()).getQueue();
    equal(queue.substring(0, 8), "amq.gen-");
    send(channel, "", queue, List.of("found"));
    equal(drained(channel, queue), List.of("found"));
  }

  static void exclusive() throws Exception {
    Connection here = connect(0);
    Connection there = connect(1);
    String queue = fresh("exclusive");
    here.createChannel().queueDeclare(queue, false, true, false, Map.of());
    refused(405, () -> there.createChannel().queueDeclarePassive(queue));
    here.close();
    waitUntilGone(there, queue);
  }

  static void autoDelete() throws Exception {
    Connection connection = connect(0);
    Channel channel = connection.createChannel();
    String queue = fresh("auto-delete");
    channel.queueDeclare(queue, false, false, true, Map.of());
    channel.basicCancel(new Inbox(channel, queue, false).tag);
    waitUntilGone(connection, queue);
  }

  static void redeclare() throws Exception {
    Connection connection = connect(0);
    String queue = queueOf(channelOf(connection), "redeclare", List.of());
    refused(406, () ->
        connection.createChannel().queueDeclare(queue, false, false, false, Map.of()));
    connection.createChannel().queueDeclarePassive(queue);
  }

  static void missingQueue() throws Exception {
    Connection connection = connect(0);
    refused(404, () -> connection.createChannel().queueDeclarePassive(fresh("missing")));
    connection.createChannel().queueDeclare();
  }

  static void counts() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "counts", List.of("a", "b", "c"));
    equal(channel.queueDeclarePassive(queue).getMessageCount(), 3);
    equal(channel.queuePurge(queue).getMessageCount(), 3);
    send(channel, "", queue, List.of("d", "e"));
    equal(channel.queueDelete(queue).getMessageCount(), 2);
  }

  static void consumerCancelled() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "cancelled", List.of());
    Inbox inbox = new Inbox(channel, queue, false);
    connect(1).createChannel().queueDelete(queue);
    equal(inbox.cancelled.poll(10, TimeUnit.SECONDS), inbox.tag);
  }

  static void channels() throws Exception {
    Connection connection = connect(0);
    ExecutorService threads = Executors.newFixedThreadPool(20);
    List<Future<?>> all = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      all.add(threads.submit(() -> {
        Channel channel = connection.createChannel();
        String queue = channel.queueDeclare().getQueue();
        Inbox inbox = new Inbox(channel, queue, true);
        for (String number : numbers(10)) {
          channel.basicPublish("", queue, null, number.getBytes());
        }
        equal(bodies(inbox.take(10)), numbers(10));
        return null;
      }));
    }
    threads.shutdown();
    for (Future<?> one : all) {
      one.get();
    }
  }

  static void largeBody() throws Exception {
    byte[] body = new byte[5 << 20];
    new Random(1).nextBytes(body);
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "large", List.of());
    channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, body);
    channel.waitForConfirmsOrDie(30_000);
    equal(Arrays.equals(get(connect(1).createChannel(), queue).getBody(), body), true);
  }

  static void heartbeat() throws Exception {
    ConnectionFactory factory = factory(0);
    factory.setRequestedHeartbeat(1);
    Connection connection = connect(factory);
    equal(connection.getHeartbeat(), 1);
    Thread.sleep(4000);
    Channel channel = channelOf(connection);
    equal(drained(channel, queueOf(channel, "heartbeat", List.of("alive"))), List.of("alive"));
  }

  static void closeConsuming() throws Exception {
    Connection here = connect(0);
    Channel channel = channelOf(here);
    String queue = queueOf(channel, "close", numbers(10));
    channel.basicQos(5);
    new Inbox(channel, queue, false).take(5);
    here.close();
    var came = new Inbox(connect(1).createChannel(), queue, false).take(10);
    equal(bodies(came), numbers(10));
    equal(flags(came), numbers(10).stream().map(number -> Integer.parseInt(number) < 5).toList());
  }

  static void fairDispatch() throws Exception {
    Connection connection = connect(0);
    Channel busyChannel = channelOf(connection);
    Channel idleChannel = channelOf(connection);
    String queue = queueOf(busyChannel, "fair", List.of());
    busyChannel.basicQos(1);
    idleChannel.basicQos(1);
    Inbox busy = new Inbox(busyChannel, queue, false);
    Inbox idle = new Inbox(idleChannel, queue, false);
    send(busyChannel, "", queue, numbers(10));
    for (int i = 0; i < 9; i++) {
      idleChannel.basicAck(idle.take(1).get(0).getEnvelope().getDeliveryTag(), false);
    }
    busy.take(1);
    busy.staysEmpty();
  }

  static void rpc() throws Exception {
    Channel server = channelOf(connect(0));
    String queue = queueOf(server, "rpc", List.of());
    server.basicConsume(queue, false, (tag, request) -> {
      int number = Integer.parseInt(new String(request.getBody()));
      var answer = new AMQP.BasicProperties.Builder()
          .correlationId(request.getProperties().getCorrelationId()).build();
      server.basicPublish("", request.getProperties().getReplyTo(), answer,
          Integer.toString(2 * number).getBytes());
      server.basicAck(request.getEnvelope().getDeliveryTag(), false);
    }, tag -> { });
    Channel client = connect(1).createChannel();
    String replies = client.queueDeclare().getQueue();
    Inbox inbox = new Inbox(client, replies, true);
    Map<String, String> expected = new HashMap<>();
    for (int i = 0; i < 5; i++) {
      var request = new AMQP.BasicProperties.Builder().replyTo(replies)
          .correlationId("request " + i).build();
      client.basicPublish("", queue, request, Integer.toString(i).getBytes());
      expected.put("request " + i, Integer.toString(2 * i));
    }
    Map<String, String> answers = new HashMap<>();
    for (var answer : inbox.take(5)) {
      answers.put(answer.getProperties().getCorrelationId(), new String(answer.getBody()));
    }
    equal(answers, expected);
  }

  /** By the client's own recovery, which connects to another node and consumes again. */
  static void failover() throws Exception {
    AddressResolver inOrder = new AddressResolver() {
      @Override
      public List<Address> getAddresses() {
        return Arrays.stream(nodes).map(Address::parseAddress).toList();
      }

      @Override
      public List<Address> maybeShuffle(List<Address> addresses) {
        return addresses; // the first node is the one that is killed
      }
    };
    ConnectionFactory factory = factory(0);
    factory.setNetworkRecoveryInterval(300);
    Connection connection = factory.newConnection(null, inOrder, "failover");
    opened.add(connection);
    List<String> held = numbers(10).stream().map(number -> "held " + number).toList();
    Channel channel = channelOf(connection);
    String queue = queueOf(channel, "failover", held);
    Channel consuming = connection.createChannel();
    consuming.basicQos(held.size());
    Map<String, Boolean> came = new ConcurrentHashMap<>();
    AtomicBoolean acking = new AtomicBoolean();
    consuming.basicConsume(queue, false, (tag, message) -> {
      came.put(new String(message.getBody()), message.getEnvelope().isRedeliver());
      if (acking.get()) {
        consuming.basicAck(message.getEnvelope().getDeliveryTag(), false);
      }
    }, tag -> { });
    waitFor("what is held", () -> came.size() == held.size());
    System.out.println("want kill");
    List<String> confirmed = new ArrayList<>(held);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    for (int left = -1; left != 0; ) {
      String body = "message " + confirmed.size();
      try {
        send(channel, "", queue, List.of(body));
        confirmed.add(body);
        left--;
      } catch (IOException | ShutdownSignalException | TimeoutException lost) {
        acking.set(true);
        left = 50;
        Thread.sleep(100);
      }
      equal(System.nanoTime() < deadline, true);
    }
    waitFor("all that was confirmed", () -> came.keySet().containsAll(confirmed));
    equal(held.stream().allMatch(came::get), true);
  }

  static void tx() throws Exception {
    Channel channel = connect(0).createChannel();
    String queue = channel.queueDeclare(fresh("tx"), true, false, false, Map.of()).getQueue();
    channel.txSelect();
    channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, "rolled back".getBytes());
    channel.txRollback();
    channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, "committed".getBytes());
    channel.txCommit();
    equal(drained(channel, queue), List.of("committed"));
  }

  static void directReplyTo() throws Exception {
    Channel server = channelOf(connect(0));
    Channel client = connect(1).createChannel();
    String queue = queueOf(server, "direct-reply", List.of());
    Inbox inbox = new Inbox(client, "amq.rabbitmq.reply-to", true);
    client.basicPublish("", queue,
        new AMQP.BasicProperties.Builder().replyTo("amq.rabbitmq.reply-to").build(),
        "ask".getBytes());
    send(server, "", get(server, queue).getProps().getReplyTo(), List.of("answer"));
    equal(bodies(inbox.take(1)), List.of("answer"));
  }

  static void deadLetter() throws Exception {
    Channel channel = channelOf(connect(0));
    String dead = queueOf(channel, "dead", List.of());
    String queue = queueOf(channel, "short-lived", List.of("late"), Map.of("x-message-ttl", 200,
        "x-dead-letter-exchange", "", "x-dead-letter-routing-key", dead));
    GetResponse message = get(channel, dead);
    List<?> deaths = (List<?>) plain(message.getProps().getHeaders().get("x-death"));
    Map<?, ?> death = (Map<?, ?>) deaths.get(0);
    equal(new String(message.getBody()), "late");
    equal(death.get("reason"), "expired");
    equal(death.get("queue"), queue);
    equal(death.get("count"), 1L);
  }

  static void priority() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "priority", List.of(), Map.of("x-max-priority", 10));
    for (int level : new int[] {1, 5, 9, 5}) {
      var with = new AMQP.BasicProperties.Builder().deliveryMode(2).priority(level).build();
      channel.basicPublish("", queue, with, Integer.toString(level).getBytes());
    }
    channel.waitForConfirmsOrDie(10_000);
    equal(drained(channel, queue), List.of("9", "5", "5", "1"));
  }

  static void maxLength() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "max-length", numbers(5), Map.of("x-max-length", 3));
    equal(drained(channel, queue), List.of("2", "3", "4"));
  }

  static void singleActiveConsumer() throws Exception {
    Channel channel = channelOf(connect(0));
    String queue = queueOf(channel, "single", List.of(), Map.of("x-single-active-consumer", true));
    Inbox first = new Inbox(channel, queue, true);
    Inbox second = new Inbox(channel, queue, true);
    send(channel, "", queue, numbers(5));
    first.take(5);
    second.staysEmpty();
    channel.basicCancel(first.tag);
    send(channel, "", queue, List.of("next"));
    equal(bodies(second.take(1)), List.of("next"));
  }

  public static void main(String[] arguments) {
    nodes = arguments[0].split(",");
    System.out.println("version " + new ConnectionFactory().getClientProperties().get("version"));
    List<String> wanted = Arrays.asList(arguments).subList(1, arguments.length);
    for (String name : wanted.isEmpty() ? List.copyOf(scenarios.keySet()) : wanted) {
      try {
        scenarios.get(name).play();
        System.out.println("ok " + name);
      } catch (Exception | AssertionError error) {
        System.out.println("not ok " + name + ": " + error.toString().replace('\n', ' '));
      }
      for (Connection connection : opened) {
        connection.abort(1000);
      }
      opened.clear();
    }
  }
}
