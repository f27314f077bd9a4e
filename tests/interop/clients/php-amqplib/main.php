<?php
// The scenarios through php-amqplib.
//
//     main.php HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]

use PhpAmqpLib\Connection\Heartbeat\PCNTLHeartbeatSender;
use PhpAmqpLib\Exception\AMQPBasicCancelException;
use PhpAmqpLib\Exception\AMQPConnectionClosedException;
use PhpAmqpLib\Exception\AMQPExceptionInterface;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPDecimal;
use PhpAmqpLib\Wire\AMQPTable;

require 'PhpAmqpLib/autoload.php';
require __DIR__ . '/support.php';

$scenarios = [
    'hello' => function () {
        $here = connect(0)->channel();
        $queue = fresh('hello');
        $here->queue_declare($queue, auto_delete: false);
        $here->basic_publish(new AMQPMessage('hello'), '', $queue);
        equal(get(connect(1)->channel(), $queue)->getBody(), 'hello');
    },
    'login-refused' => function () {
        try {
            connect(0, 'wrong');
        } catch (AMQPConnectionClosedException $error) {
            equal($error->getCode(), 403);
            return;
        }
        throw new Exception('a wrong password was accepted');
    },
    'confirms' => function () {
        $channel = channel_of(connect());
        $confirmed = 0;
        $channel->set_ack_handler(function () use (&$confirmed) { $confirmed++; });
        $queue = queue_of($channel, 'confirms', numbers(1000));
        equal($confirmed, 1000);
        equal($channel->queue_declare($queue, passive: true)[1], 1000);
    },
    'prefetch' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'prefetch', numbers(20));
        $channel->basic_qos(0, 5, false);
        $inbox = new Inbox($channel, $queue);
        $inbox->wait(5);
        $inbox->stays(5);
        for ($count = 5; $count <= 20; $count += 5) {
            $inbox->wait($count)[$count - 1]->ack(true);
        }
        equal(bodies($inbox->messages), numbers(20));
    },
    'nack' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'nack', ['work']);
        $first = get($channel, $queue);
        equal($first->isRedelivered(), false);
        $first->nack(true);
        $again = get($channel, $queue);
        equal([$again->isRedelivered(), $again->getBody()], [true, 'work']);
        $again->ack();
    },
    'reject' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'reject', ['bad', 'good']);
        get($channel, $queue)->reject(false);
        equal(drained($channel, $queue), ['good']);
    },
    'recover' => function () {
        $channel = channel_of(connect());
        $inbox = new Inbox($channel, queue_of($channel, 'recover', numbers(3)));
        $inbox->wait(3);
        $channel->basic_recover(true);
        $again = array_slice($inbox->wait(6), 3);
        equal(bodies($again), numbers(3));
        equal(flags($again), [true, true, true]);
    },
    'return' => function () {
        $channel = channel_of(connect());
        $came = [];
        $channel->set_return_listener(
            function ($code, $text, $exchange, $key, $message) use (&$came) {
                $came[] = [$code, $message->getBody()];
            });
        $channel->basic_publish(new AMQPMessage('lost'), '', fresh('nowhere'), true);
        $channel->wait_for_pending_acks_returns(10);
        equal($came, [[312, 'lost']]);
    },
    'properties' => function () {
        $moment = new DateTime('@1700000000');
        $headers = new AMQPTable(['bool' => true, 'int' => -70000, 'long' => 1 << 40,
            'string' => 'text ☃', 'decimal' => new AMQPDecimal(125, 2), 'time' => $moment,
            'void' => null, 'table' => ['inner' => ['deep' => 1]],
            'array' => [1, 'two', [3, false], ['k' => 'v']]]);
        $headers->set('byte', -7, AMQPTable::T_INT_SHORTSHORT);
        $headers->set('unsigned byte', 200, AMQPTable::T_INT_SHORTSHORT_U);
        $headers->set('short', -300, AMQPTable::T_INT_SHORT);
        $headers->set('unsigned short', 60000, AMQPTable::T_INT_SHORT_U);
        $headers->set('unsigned', 4000000000, AMQPTable::T_INT_LONG_U);
        $headers->set('bytes', "\0\xff", AMQPTable::T_BYTES);
        $sent = ['content_type' => 'text/plain', 'content_encoding' => 'utf-8',
            'delivery_mode' => 2, 'priority' => 3, 'correlation_id' => 'correlation', 'reply_to' => 'reply',
            'expiration' => '60000', 'message_id' => 'id', 'timestamp' => 1700000000,
            'type' => 'type', 'user_id' => 'guest', 'app_id' => 'app'];
        $channel = channel_of(connect(0));
        $queue = queue_of($channel, 'properties');
        $channel->basic_publish(
            new AMQPMessage('', $sent + ['application_headers' => $headers]), '', $queue);
        $channel->wait_for_pending_acks(10);
        $came = get(channel_of(connect(1)), $queue)->get_properties();
        equal($came['application_headers']->getNativeData(), $headers->getNativeData());
        foreach ($sent as $name => $value) {
            equal([$name, $came[$name]], [$name, $value]);
        }
    },
    'exchanges' => function () {
        $channel = channel_of(connect());
        foreach ([['direct', 'a', 'a', 'b'], ['fanout', 'a', 'b', null],
                  ['topic', 'a.*', 'a.b', 'a.b.c']] as [$kind, $key, $match, $other]) {
            $exchange = exchange_of($channel, $kind);
            $queues = [bound($channel, $exchange, $key), bound($channel, $exchange, $key)];
            send($channel, $exchange, $match, 'yes');
            if ($other) {
                send($channel, $exchange, $other, 'no');
            }
            foreach ($queues as $queue) {
                equal(drained($channel, $queue), ['yes']);
            }
        }
        $exchange = exchange_of($channel, 'headers');
        $whole = bound($channel, $exchange, '', ['x-match' => 'all', 'a' => 1, 'b' => 'two']);
        $some = bound($channel, $exchange, '', ['x-match' => 'any', 'a' => 1, 'b' => 'two']);
        foreach (['both' => ['a' => 1, 'b' => 'two'], 'one' => ['a' => 1, 'b' => 'three'],
                  'none' => ['c' => 1]] as $body => $headers) {
            $properties = ['application_headers' => new AMQPTable($headers)];
            $channel->basic_publish(new AMQPMessage((string) $body, $properties), $exchange);
        }
        $channel->wait_for_pending_acks(10);
        equal(drained($channel, $whole), ['both']);
        equal(drained($channel, $some), ['both', 'one']);
    },
    'topic-wildcards' => function () {
        $channel = channel_of(connect());
        $exchange = exchange_of($channel, 'topic');
        $keys = ['quick.orange.rabbit', 'lazy', 'lazy.orange.fox', 'rabbit', 'orange',
            'lazy.pink.rabbit.x'];
        $expected = ['*.orange.*' => ['quick.orange.rabbit', 'lazy.orange.fox'],
            '#.rabbit' => ['quick.orange.rabbit', 'rabbit'],
            'lazy.#' => ['lazy', 'lazy.orange.fox', 'lazy.pink.rabbit.x'], '#' => $keys];
        $queues = [];
        foreach (array_keys($expected) as $key) {
            $queues[$key] = bound($channel, $exchange, $key);
        }
        foreach ($keys as $key) {
            send($channel, $exchange, $key, $key);
        }
        equal(array_map(fn ($queue) => drained($channel, $queue), $queues), $expected);
    },
    'exchange-binding' => function () {
        $channel = channel_of(connect());
        $source = exchange_of($channel, 'topic');
        $destination = exchange_of($channel, 'fanout');
        $channel->exchange_bind($destination, $source, 'log.*');
        $queue = bound($channel, $destination);
        send($channel, $source, 'log.a', 'yes');
        send($channel, $source, 'metric.a', 'no');
        equal(drained($channel, $queue), ['yes']);
    },
    'server-named' => function () {
        $channel = channel_of(connect());
        [$queue] = $channel->queue_declare('', auto_delete: false);
        equal(substr($queue, 0, 8), 'amq.gen-');
        send($channel, '', $queue, 'found');
        equal(drained($channel, $queue), ['found']);
    },
    'exclusive' => function () {
        $queue = fresh('exclusive');
        [$here, $there] = [connect(0), connect(1)];
        $here->channel()->queue_declare($queue, exclusive: true);
        refused(405, fn () => $there->channel()->queue_declare($queue, passive: true));
        $here->close();
        wait_until(fn () => is_gone($there, $queue), "the queue's end");
    },
    'auto-delete' => function () {
        $queue = fresh('auto-delete');
        $connection = connect();
        $channel = $connection->channel();
        $channel->queue_declare($queue, auto_delete: true);
        $channel->basic_cancel((new Inbox($channel, $queue))->tag);
        wait_until(fn () => is_gone($connection, $queue), "the queue's end");
    },
    'redeclare' => function () {
        $connection = connect();
        $queue = queue_of(channel_of($connection), 'redeclare');
        refused(406, fn () => $connection->channel()->queue_declare($queue, auto_delete: false));
        equal(is_gone($connection, $queue), false);
    },
    'missing-queue' => function () {
        $connection = connect();
        $missing = fresh('missing');
        refused(404, fn () => $connection->channel()->queue_declare($missing, passive: true));
        $connection->channel()->queue_declare('', exclusive: true);
    },
    'counts' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'counts', ['a', 'b', 'c']);
        equal($channel->queue_declare($queue, passive: true)[1], 3);
        equal($channel->queue_purge($queue), 3);
        send($channel, '', $queue, 'd', 'e');
        equal($channel->queue_delete($queue), 2);
    },
    'consumer-cancelled' => function () {
        $channel = channel_of(connect(0));
        $queue = queue_of($channel, 'cancelled');
        $inbox = new Inbox($channel, $queue);
        connect(1)->channel()->queue_delete($queue);
        try {
            $inbox->wait(1);
        } catch (AMQPBasicCancelException $told) {
            equal($told->consumerTag, $inbox->tag);
            return;
        }
        throw new Exception('the consumer was not told');
    },
    'channels' => function () {
        $connection = connect();
        $each = [];
        foreach (numbers(20) as $_) {
            $channel = $connection->channel();
            [$queue] = $channel->queue_declare('', exclusive: true);
            $each[] = [$channel, $queue, new Inbox($channel, $queue, true)];
        }
        foreach (numbers(10) as $number) {
            foreach ($each as [$channel, $queue]) {
                $channel->basic_publish(new AMQPMessage("$queue $number"), '', $queue);
            }
        }
        foreach ($each as [$channel, $queue, $inbox]) {
            $expected = array_map(fn ($number) => "$queue $number", numbers(10));
            equal(bodies($inbox->wait(10)), $expected);
        }
    },
    'large-body' => function () {
        $body = random_bytes(5 << 20);
        $queue = queue_of(channel_of(connect(0)), 'large', [$body]);
        equal(get(connect(1)->channel(), $queue)->getBody() === $body, true);
    },
    'heartbeat' => function () {
        $connection = connect(0, heartbeat: 1);
        $sender = new PCNTLHeartbeatSender($connection);
        $sender->register();
        for ($end = microtime(true) + 4; microtime(true) < $end; usleep(100000)) {
        }
        $sender->unregister();
        $channel = channel_of($connection);
        $queue = queue_of($channel, 'heartbeat', ['alive']);
        equal(drained($channel, $queue), ['alive']);
    },
    'close-consuming' => function () {
        $here = connect(0);
        $channel = channel_of($here);
        $queue = queue_of($channel, 'close', numbers(10));
        $channel->basic_qos(0, 5, false);
        (new Inbox($channel, $queue))->wait(5);
        $here->close();
        $came = (new Inbox(connect(1)->channel(), $queue))->wait(10);
        equal(bodies($came), numbers(10));
        equal(flags($came), [...array_fill(0, 5, true), ...array_fill(0, 5, false)]);
    },
    'fair-dispatch' => function () {
        $connection = connect();
        [$busy_channel, $idle_channel] = [channel_of($connection), channel_of($connection)];
        $queue = queue_of($busy_channel, 'fair');
        $busy_channel->basic_qos(0, 1, false);
        $idle_channel->basic_qos(0, 1, false);
        [$busy, $idle] = [new Inbox($busy_channel, $queue), new Inbox($idle_channel, $queue)];
        send($busy_channel, '', $queue, ...numbers(10));
        for ($count = 1; $count <= 9; $count++) {
            $idle->wait($count)[$count - 1]->ack();
        }
        $busy->wait(1);
        $busy->stays(1);
    },
    'rpc' => function () {
        [$server, $client] = [channel_of(connect(0)), channel_of(connect(1))];
        $queue = queue_of($server, 'rpc');
        $requests = new Inbox($server, $queue);
        [$replies] = $client->queue_declare('', exclusive: true);
        $answers = new Inbox($client, $replies, true);
        foreach (numbers(5) as $number) {
            $client->basic_publish(new AMQPMessage($number,
                ['reply_to' => $replies, 'correlation_id' => "request $number"]), '', $queue);
        }
        foreach ($requests->wait(5) as $request) {
            $answer = new AMQPMessage((string) (2 * (int) $request->getBody()),
                ['correlation_id' => $request->get('correlation_id')]);
            $server->basic_publish($answer, '', $request->get('reply_to'));
            $request->ack();
        }
        $came = [];
        foreach ($answers->wait(5) as $answer) {
            $came[$answer->get('correlation_id')] = $answer->getBody();
        }
        equal($came, ['request 0' => '0', 'request 1' => '2', 'request 2' => '4',
            'request 3' => '6', 'request 4' => '8']);
    },
    'failover' => function () {
        global $opened;
        $held = array_map(fn ($number) => "held $number", numbers(10));
        $channel = channel_of(connect(0));
        $queue = queue_of($channel, 'failover', $held);
        $channel->basic_qos(0, count($held), false);
        (new Inbox($channel, $queue))->wait(count($held));
        echo "want kill\n";
        $confirmed = $held;
        try {
            for ($deadline = time() + 60; time() < $deadline;) {
                $body = 'message ' . count($confirmed);
                send($channel, '', $queue, $body);
                $confirmed[] = $body;
            }
            throw new Exception('the node was not killed');
        } catch (AMQPExceptionInterface) {
            $opened = [];
        }
        $channel = channel_of(connect(1));
        foreach (numbers(50) as $number) {
            send($channel, '', $queue, "later $number");
            $confirmed[] = "later $number";
        }
        $inbox = new Inbox($channel, $queue);
        while (!in_array('later 49', bodies($inbox->messages))) {
            $inbox->wait(count($inbox->messages) + 1);
        }
        $came = array_combine(bodies($inbox->messages), flags($inbox->messages));
        equal(array_diff($confirmed, array_keys($came)), []);
        foreach ($held as $body) {
            equal($came[$body], true);
        }
    },
    'tx' => function () {
        $channel = connect()->channel();
        $queue = fresh('tx');
        $channel->queue_declare($queue, durable: true, auto_delete: false);
        $channel->tx_select();
        $channel->basic_publish(new AMQPMessage('rolled back'), '', $queue);
        $channel->tx_rollback();
        $channel->basic_publish(new AMQPMessage('committed'), '', $queue);
        $channel->tx_commit();
        equal(drained($channel, $queue), ['committed']);
    },
    'direct-reply-to' => function () {
        [$server, $client] = [channel_of(connect(0)), channel_of(connect(1))];
        $queue = queue_of($server, 'direct-reply');
        $answers = new Inbox($client, 'amq.rabbitmq.reply-to', true);
        $client->basic_publish(
            new AMQPMessage('ask', ['reply_to' => 'amq.rabbitmq.reply-to']), '', $queue);
        send($server, '', get($server, $queue)->get('reply_to'), 'answer');
        equal(bodies($answers->wait(1)), ['answer']);
    },
    'dead-letter' => function () {
        $channel = channel_of(connect());
        $dead = queue_of($channel, 'dead');
        $queue = queue_of($channel, 'short-lived', ['late'], ['x-message-ttl' => 200,
            'x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => $dead]);
        $message = get($channel, $dead);
        $death = $message->get('application_headers')->getNativeData()['x-death'][0];
        equal([$message->getBody(), $death['reason'], $death['queue'], $death['count']],
            ['late', 'expired', $queue, 1]);
    },
    'priority' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'priority', [], ['x-max-priority' => 10]);
        foreach ([1, 5, 9, 5] as $priority) {
            $channel->basic_publish(new AMQPMessage((string) $priority,
                ['delivery_mode' => 2, 'priority' => $priority]), '', $queue);
        }
        $channel->wait_for_pending_acks(10);
        equal(drained($channel, $queue), ['9', '5', '5', '1']);
    },
    'max-length' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'max-length', numbers(5), ['x-max-length' => 3]);
        equal(drained($channel, $queue), ['2', '3', '4']);
    },
    'single-active-consumer' => function () {
        $channel = channel_of(connect());
        $queue = queue_of($channel, 'single', [], ['x-single-active-consumer' => true]);
        [$first, $second] = [new Inbox($channel, $queue, true), new Inbox($channel, $queue, true)];
        send($channel, '', $queue, ...numbers(5));
        $first->wait(5);
        $second->stays(0);
        $channel->basic_cancel($first->tag);
        send($channel, '', $queue, 'next');
        equal(bodies($second->wait(1)), ['next']);
    },
];

echo 'version ', PhpAmqpLib\Package::VERSION, "\n";
foreach (array_slice($argv, 2) ?: array_keys($scenarios) as $name) {
    try {
        $scenarios[$name]();
        echo "ok $name\n";
    } catch (Throwable $error) {
        $why = str_replace("\n", ' ', get_class($error) . ' ' . $error->getMessage());
        echo "not ok $name: $why\n";
    }
    foreach ($opened as $connection) {
        try {
            $connection->close();
        } catch (Throwable) {
            // It is closed already.
        }
    }
    $opened = [];
}
