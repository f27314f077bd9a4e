<?php
// What the scenarios are told with.

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

$nodes = explode(',', $argv[1]);
$opened = []; // connections, closed when their scenario ends

function connect(
    int $node = 0, string $password = 'guest', int $heartbeat = 0
): AMQPStreamConnection {
    global $nodes, $opened;
    [$host, $port] = explode(':', $nodes[$node]);
    $connection = new AMQPStreamConnection($host, $port, 'guest', $password, read_write_timeout: 30,
        heartbeat: $heartbeat);
    $opened[] = $connection;
    return $connection;
}

/** A channel with publisher confirms. */
function channel_of(AMQPStreamConnection $connection): AMQPChannel
{
    $channel = $connection->channel();
    $channel->confirm_select();
    return $channel;
}

function fresh(string $name): string
{
    return "php-$name-" . bin2hex(random_bytes(4));
}

function numbers(int $count): array
{
    return array_map(strval(...), range(0, $count - 1));
}

function equal($actual, $expected): void
{
    [$was, $should] = [var_export($actual, true), var_export($expected, true)]; // of objects too
    if ($was !== $should) {
        throw new Exception("$was, not $should");
    }
}

function wait_until(callable $condition, string $what): void
{
    for ($deadline = microtime(true) + 10; !$condition(); usleep(20000)) {
        if (microtime(true) > $deadline) {
            throw new Exception("waited 10 s in vain for $what");
        }
    }
}

/** Publishes persistently; returns when all is confirmed. */
function send(AMQPChannel $channel, string $exchange, string $key, string ...$bodies): void
{
    foreach ($bodies as $body) {
        $properties = ['delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT];
        $message = new AMQPMessage($body, $properties);
        $channel->basic_publish($message, $exchange, $key);
    }
    $channel->wait_for_pending_acks(10);
}

/** A durable queue with confirmed messages. */
function queue_of(
    AMQPChannel $channel, string $name, array $bodies = [], array $arguments = []
): string {
    $queue = fresh($name);
    $channel->queue_declare($queue, durable: true, auto_delete: false,
        arguments: new AMQPTable($arguments));
    send($channel, '', $queue, ...$bodies);
    return $queue;
}

function get(AMQPChannel $channel, string $queue): AMQPMessage
{
    $message = null;
    wait_until(function () use ($channel, $queue, &$message) {
        return $message = $channel->basic_get($queue);
    }, "a message in $queue");
    return $message;
}

function drained(AMQPChannel $channel, string $queue): array
{
    $bodies = [];
    while ($message = $channel->basic_get($queue, true)) {
        $bodies[] = $message->getBody();
    }
    return $bodies;
}

/** A consumer, and what it has received. */
class Inbox
{
    public array $messages = [];
    public string $tag;

    public function __construct(private AMQPChannel $channel, string $queue, bool $no_ack = false)
    {
        $this->tag = $channel->basic_consume($queue, no_ack: $no_ack,
            callback: function (AMQPMessage $message) { $this->messages[] = $message; });
    }

    public function wait(int $count): array
    {
        while (count($this->messages) < $count) {
            $this->channel->wait(null, false, 10);
        }
        return $this->messages;
    }

    public function stays(int $count): void
    {
        try {
            $this->channel->wait(null, false, 0.3);
        } catch (AMQPTimeoutException) {
        }
        equal(count($this->messages), $count);
    }
}

function bodies(array $messages): array
{
    return array_map(fn (AMQPMessage $message) => $message->getBody(), $messages);
}

function flags(array $messages): array
{
    return array_map(fn (AMQPMessage $message) => $message->isRedelivered(), $messages);
}

function refused(int $code, callable $action): void
{
    try {
        $action();
    } catch (AMQPProtocolChannelException $error) {
        equal($error->getCode(), $code);
        return;
    }
    throw new Exception("it was not refused with $code");
}

function is_gone(AMQPStreamConnection $connection, string $queue): bool
{
    $channel = $connection->channel();
    try {
        $channel->queue_declare($queue, passive: true);
    } catch (AMQPProtocolChannelException $error) {
        return $error->getCode() === 404;
    }
    $channel->close();
    return false;
}

function bound(
    AMQPChannel $channel, string $exchange, string $key = '', array $arguments = []
): string {
    [$queue] = $channel->queue_declare('', exclusive: true);
    $channel->queue_bind($queue, $exchange, $key, arguments: new AMQPTable($arguments));
    return $queue;
}

function exchange_of(AMQPChannel $channel, string $kind): string
{
    $exchange = fresh($kind);
    $channel->exchange_declare($exchange, $kind, durable: true, auto_delete: false);
    return $exchange;
}
