// The scenarios through amqplib's promise interface.
//
//     main.mjs HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import amqp from 'amqplib';

const nodes = process.argv[2].split(',');
let opened = [];

class Cannot extends Error {}

const fresh = (name) => `amqplib-${name}-${randomUUID().slice(0, 8)}`;
const numbers = (count) => Array.from({ length: count }, (_, i) => `${i}`);
const bodies = (messages) => messages.map((message) => message.content.toString());

// Connections are closed when their scenario ends.
async function connect(node = 0, { password = 'guest', heartbeat = 30 } = {}) {
  const url = `amqp://guest:${password}@${nodes[node]}?heartbeat=${heartbeat}`;
  const connection = await amqp.connect(url);
  connection.on('error', () => {}); // what it ends is told to whoever waits
  opened.push(connection);
  return connection;
}

async function channelOf(connection) {
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {}); // the refused operation is told
  return channel;
}

async function waitUntil(condition, what, seconds = 10) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert(Date.now() < deadline, `waited ${seconds} s in vain for ${what}`);
    await sleep(20);
  }
}

// A consumer, and what it has received.
async function consume(channel, queue, options) {
  const inbox = { messages: [], cancelled: false };
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message) inbox.messages.push(message);
    else inbox.cancelled = true;
  }, options);
  inbox.tag = consumerTag;
  inbox.wait = (count) => waitUntil(
    () => inbox.messages.length >= count && inbox.messages, `${count} messages`);
  inbox.stays = async (count) => {
    await sleep(300);
    assert.equal(inbox.messages.length, count);
  };
  return inbox;
}

const get = (channel, queue, options) =>
  waitUntil(() => channel.get(queue, options), `a message in ${queue}`, 5);

async function drained(channel, queue) {
  const found = [];
  for (let message; (message = await channel.get(queue, { noAck: true })); ) found.push(message);
  return bodies(found);
}

async function publish(channel, queue, ...texts) {
  for (const text of texts) channel.sendToQueue(queue, Buffer.from(text), { persistent: true });
  await channel.waitForConfirms();
}

// A durable queue with confirmed persistent messages.
async function queueOf(channel, name, texts = [], args = {}) {
  const { queue } = await channel.assertQueue(fresh(name), { durable: true, arguments: args });
  await publish(channel, queue, ...texts);
  return queue;
}

async function refused(code, connection, action) {
  await assert.rejects(action(await channelOf(connection)), (error) => error.code === code);
}

async function isGone(connection, queue) {
  const channel = await channelOf(connection);
  try {
    await channel.checkQueue(queue);
  } catch (error) {
    return error.code === 404;
  }
  await channel.close();
  return false;
}

async function bound(channel, exchange, key = '', args = {}) {
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, exchange, key, args);
  return queue;
}

async function exchangeOf(channel, kind) {
  return (await channel.assertExchange(fresh(kind), kind)).exchange;
}

const scenarios = {
  async hello() {
    const queue = fresh('hello');
    const here = await (await connect(0)).createChannel();
    const there = await (await connect(1)).createChannel();
    await here.assertQueue(queue, { durable: false });
    here.sendToQueue(queue, Buffer.from('hello'));
    assert.equal((await get(there, queue)).content.toString(), 'hello');
  },

  async 'login-refused'() {
    await assert.rejects(connect(0, { password: 'wrong' }), /403/);
  },

  async confirms() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'confirms', numbers(1000));
    assert.equal((await channel.checkQueue(queue)).messageCount, 1000);
  },

  async prefetch() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'prefetch', numbers(20));
    await channel.prefetch(5);
    const inbox = await consume(channel, queue);
    await inbox.wait(5);
    await inbox.stays(5);
    for (let count = 5; count <= 20; count += 5) {
      channel.ack((await inbox.wait(count))[count - 1], true);
    }
    assert.deepEqual(bodies(inbox.messages), numbers(20));
  },

  async nack() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'nack', ['work']);
    const first = await get(channel, queue);
    assert.equal(first.fields.redelivered, false);
    channel.nack(first);
    const again = await get(channel, queue);
    assert.deepEqual([again.fields.redelivered, again.content.toString()], [true, 'work']);
    channel.ack(again);
  },

  async reject() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'reject', ['bad', 'good']);
    channel.reject(await get(channel, queue), false);
    assert.deepEqual(await drained(channel, queue), ['good']);
  },

  async recover() {
    const channel = await channelOf(await connect());
    const inbox = await consume(channel, await queueOf(channel, 'recover', numbers(3)));
    await inbox.wait(3);
    await channel.recover();
    const again = (await inbox.wait(6)).slice(3);
    assert.deepEqual(again.map((message) => message.fields.redelivered), [true, true, true]);
    assert.deepEqual(bodies(again), numbers(3));
  },

  async return() {
    const channel = await channelOf(await connect());
    const came = [];
    channel.on('return', (message) => came.push(message));
    channel.publish('', fresh('nowhere'), Buffer.from('lost'), { mandatory: true });
    await channel.waitForConfirms();
    assert.deepEqual(came.map((message) => message.fields.replyCode), [312]);
    assert.deepEqual(bodies(came), ['lost']);
  },

  async properties() {
    const headers = {
      bool: true, byte: { '!': 'int8', value: -7 }, short: { '!': 'int16', value: -300 },
      int: -70000, long: 2 ** 40, double: 0.5, float: { '!': 'float', value: 1.5 },
      unsigned: { '!': 'uint32', value: 4000000000 }, string: 'text ☃',
      decimal: { '!': 'decimal', value: { places: 2, digits: 125 } },
      bytes: Buffer.from([0, 255]), time: { '!': 'timestamp', value: 1700000000 }, void: null,
      table: { inner: { deep: 1 } }, array: [1, 'two', [3.5, false], { k: 'v' }],
    };
    const sent = {
      contentType: 'text/plain', contentEncoding: 'utf-8', headers, deliveryMode: 2, priority: 3,
      correlationId: 'correlation', replyTo: 'reply', expiration: '60000', messageId: 'id',
      timestamp: 1700000000, type: 'type', userId: 'guest', appId: 'app',
    };
    const channel = await channelOf(await connect(0));
    const queue = await queueOf(channel, 'properties');
    channel.sendToQueue(queue, Buffer.alloc(0), sent);
    await channel.waitForConfirms();
    const came = (await get(await channelOf(await connect(1)), queue)).properties;
    assert.deepEqual({ ...came.headers }, {
      ...headers, byte: -7, short: -300, float: 1.5, unsigned: 4000000000,
    });
    delete came.headers;
    delete came.clusterId;
    const { headers: _, ...others } = sent;
    assert.deepEqual({ ...came }, others);
  },

  async exchanges() {
    const channel = await channelOf(await connect());
    for (const [kind, key, match, other] of [
      ['direct', 'a', 'a', 'b'], ['fanout', 'a', 'b', null], ['topic', 'a.*', 'a.b', 'a.b.c']]) {
      const exchange = await exchangeOf(channel, kind);
      const queues = [await bound(channel, exchange, key), await bound(channel, exchange, key)];
      channel.publish(exchange, match, Buffer.from('yes'));
      if (other) channel.publish(exchange, other, Buffer.from('no'));
      await channel.waitForConfirms();
      for (const queue of queues) assert.deepEqual(await drained(channel, queue), ['yes']);
    }
    const exchange = await exchangeOf(channel, 'headers');
    const whole = await bound(channel, exchange, '', { 'x-match': 'all', a: 1, b: 'two' });
    const some = await bound(channel, exchange, '', { 'x-match': 'any', a: 1, b: 'two' });
    for (const [text, headers] of [
      ['both', { a: 1, b: 'two' }], ['one', { a: 1, b: 'three' }], ['none', { c: 1 }]]) {
      channel.publish(exchange, '', Buffer.from(text), { headers });
    }
    await channel.waitForConfirms();
    assert.deepEqual(await drained(channel, whole), ['both']);
    assert.deepEqual(await drained(channel, some), ['both', 'one']);
  },

  async 'topic-wildcards'() {
    const channel = await channelOf(await connect());
    const exchange = await exchangeOf(channel, 'topic');
    const keys = ['quick.orange.rabbit', 'lazy', 'lazy.orange.fox', 'rabbit', 'orange',
      'lazy.pink.rabbit.x'];
    const expected = {
      '*.orange.*': ['quick.orange.rabbit', 'lazy.orange.fox'],
      '#.rabbit': ['quick.orange.rabbit', 'rabbit'],
      'lazy.#': ['lazy', 'lazy.orange.fox', 'lazy.pink.rabbit.x'],
      '#': keys,
    };
    const queues = {};
    for (const key of Object.keys(expected)) queues[key] = await bound(channel, exchange, key);
    for (const key of keys) channel.publish(exchange, key, Buffer.from(key));
    await channel.waitForConfirms();
    const came = {};
    for (const key of Object.keys(expected)) came[key] = await drained(channel, queues[key]);
    assert.deepEqual(came, expected);
  },

  async 'exchange-binding'() {
    const channel = await channelOf(await connect());
    const source = await exchangeOf(channel, 'topic');
    const destination = await exchangeOf(channel, 'fanout');
    await channel.bindExchange(destination, source, 'log.*');
    const queue = await bound(channel, destination);
    channel.publish(source, 'log.a', Buffer.from('yes'));
    channel.publish(source, 'metric.a', Buffer.from('no'));
    await channel.waitForConfirms();
    assert.deepEqual(await drained(channel, queue), ['yes']);
  },

  async 'server-named'() {
    const channel = await channelOf(await connect());
    const { queue } = await channel.assertQueue('', { durable: false });
    assert.match(queue, /^amq\.gen-/);
    await publish(channel, queue, 'found');
    assert.deepEqual(await drained(channel, queue), ['found']);
  },

  async exclusive() {
    const queue = fresh('exclusive');
    const here = await connect(0);
    const there = await connect(1);
    await (await channelOf(here)).assertQueue(queue, { exclusive: true });
    await refused(405, there, (channel) => channel.checkQueue(queue));
    await here.close();
    await waitUntil(() => isGone(there, queue), "the queue's end");
  },

  async 'auto-delete'() {
    const queue = fresh('auto-delete');
    const connection = await connect();
    const channel = await channelOf(connection);
    await channel.assertQueue(queue, { autoDelete: true, durable: false });
    await channel.cancel((await consume(channel, queue)).tag);
    await waitUntil(() => isGone(connection, queue), "the queue's end");
  },

  async redeclare() {
    const connection = await connect();
    const queue = await queueOf(await channelOf(connection), 'redeclare');
    await refused(406, connection, (channel) => channel.assertQueue(queue, { durable: false }));
    await (await channelOf(connection)).checkQueue(queue);
  },

  async 'missing-queue'() {
    const connection = await connect();
    await refused(404, connection, (channel) => channel.checkQueue(fresh('missing')));
    await (await channelOf(connection)).assertQueue('', { exclusive: true });
  },

  async counts() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'counts', ['a', 'b', 'c']);
    assert.equal((await channel.checkQueue(queue)).messageCount, 3);
    assert.equal((await channel.purgeQueue(queue)).messageCount, 3);
    await publish(channel, queue, 'd', 'e');
    assert.equal((await channel.deleteQueue(queue)).messageCount, 2);
  },

  async 'consumer-cancelled'() {
    const channel = await channelOf(await connect(0));
    const queue = await queueOf(channel, 'cancelled');
    const inbox = await consume(channel, queue);
    await (await channelOf(await connect(1))).deleteQueue(queue);
    await waitUntil(() => inbox.cancelled, 'basic.cancel');
  },

  async channels() {
    const connection = await connect();
    const each = await Promise.all(numbers(20).map(async () => {
      const channel = await connection.createChannel();
      const { queue } = await channel.assertQueue('', { exclusive: true });
      return { channel, queue, inbox: await consume(channel, queue, { noAck: true }) };
    }));
    for (const number of numbers(10)) {
      for (const { channel, queue } of each) {
        channel.sendToQueue(queue, Buffer.from(`${queue} ${number}`));
      }
    }
    for (const { queue, inbox } of each) {
      assert.deepEqual(bodies(await inbox.wait(10)),
        numbers(10).map((number) => `${queue} ${number}`));
    }
  },

  async 'large-body'() {
    const body = randomBytes(5 << 20);
    const channel = await channelOf(await connect(0));
    const queue = await queueOf(channel, 'large', [body]);
    const message = await get(await channelOf(await connect(1)), queue);
    assert(message.content.equals(body), 'it came back another');
  },

  async heartbeat() {
    const channel = await channelOf(await connect(0, { heartbeat: 1 }));
    await sleep(4000);
    const queue = await queueOf(channel, 'heartbeat', ['alive']);
    assert.deepEqual(await drained(channel, queue), ['alive']);
  },

  async 'close-consuming'() {
    const here = await connect(0);
    const channel = await channelOf(here);
    const queue = await queueOf(channel, 'close', numbers(10));
    await channel.prefetch(5);
    await (await consume(channel, queue)).wait(5);
    await here.close();
    const inbox = await consume(await channelOf(await connect(1)), queue);
    const came = await inbox.wait(10);
    assert.deepEqual(bodies(came), numbers(10));
    assert.deepEqual(came.map((message) => message.fields.redelivered),
      numbers(10).map((number) => number < 5));
  },

  async 'fair-dispatch'() {
    const connection = await connect();
    const busyChannel = await channelOf(connection);
    const idleChannel = await channelOf(connection);
    const queue = await queueOf(busyChannel, 'fair');
    await busyChannel.prefetch(1);
    await idleChannel.prefetch(1);
    const busy = await consume(busyChannel, queue);
    let done = 0;
    await idleChannel.consume(queue, (message) => {
      done += 1;
      idleChannel.ack(message);
    });
    await publish(idleChannel, queue, ...numbers(10));
    await waitUntil(() => done === 9, 'nine messages');
    assert.equal(busy.messages.length, 1);
  },

  async rpc() {
    const server = await channelOf(await connect(0));
    const queue = await queueOf(server, 'rpc');
    await server.consume(queue, (request) => {
      const { replyTo, correlationId } = request.properties;
      server.sendToQueue(replyTo, Buffer.from(`${request.content * 2}`), { correlationId });
      server.ack(request);
    });
    const client = await channelOf(await connect(1));
    const { queue: replyTo } = await client.assertQueue('', { exclusive: true });
    const inbox = await consume(client, replyTo, { noAck: true });
    for (const number of numbers(5)) {
      const correlationId = `request ${number}`;
      client.sendToQueue(queue, Buffer.from(number), { replyTo, correlationId });
    }
    const answers = (await inbox.wait(5)).map(
      (answer) => [answer.properties.correlationId, answer.content.toString()]);
    assert.deepEqual(Object.fromEntries(answers),
      Object.fromEntries(numbers(5).map((number) => [`request ${number}`, `${number * 2}`])));
  },

  async failover() {
    const held = numbers(10).map((number) => `held ${number}`);
    const confirmed = [...held];
    const lost = await connect(0);
    const closed = new Promise((resolve) => lost.on('close', resolve));
    const channel = await channelOf(lost);
    const queue = await queueOf(channel, 'failover', held);
    await channel.prefetch(held.length);
    await (await consume(channel, queue)).wait(held.length);
    console.log('want kill');
    await assert.rejects(async () => {
      const deadline = Date.now() + 60000;
      for (let i = 0; Date.now() < deadline; i += 1) {
        await publish(channel, queue, `message ${i}`);
        confirmed.push(`message ${i}`);
      }
    });
    await closed;
    opened = opened.filter((connection) => connection !== lost);
    const other = await channelOf(await connect(1));
    const later = numbers(50).map((number) => `later ${number}`);
    await publish(other, queue, ...later);
    const inbox = await consume(other, queue);
    await waitUntil(() => bodies(inbox.messages).includes('later 49'), 'the last message');
    const came = new Map(inbox.messages.map(
      (message) => [message.content.toString(), message.fields.redelivered]));
    assert.deepEqual([...confirmed, ...later].filter((body) => !came.has(body)), [],
      'confirmed messages are lost');
    assert.deepEqual(held.filter((body) => !came.get(body)), [], 'no redelivered flag');
  },

  async tx() {
    throw new Cannot('transactions');
  },

  async 'direct-reply-to'() {
    const server = await channelOf(await connect(0));
    const client = await channelOf(await connect(1));
    const queue = await queueOf(server, 'direct-reply');
    const replyTo = 'amq.rabbitmq.reply-to';
    const inbox = await consume(client, replyTo, { noAck: true });
    client.sendToQueue(queue, Buffer.from('ask'), { replyTo });
    const request = await get(server, queue);
    server.sendToQueue(request.properties.replyTo, Buffer.from('answer'));
    assert.deepEqual(bodies(await inbox.wait(1)), ['answer']);
  },

  async 'dead-letter'() {
    const channel = await channelOf(await connect());
    const dead = await queueOf(channel, 'dead');
    const { queue } = await channel.assertQueue(fresh('short-lived'), {
      messageTtl: 200, deadLetterExchange: '', deadLetterRoutingKey: dead });
    await publish(channel, queue, 'late');
    const message = await get(channel, dead);
    const [death] = message.properties.headers['x-death'];
    assert.deepEqual([death.reason, death.queue, death.count], ['expired', queue, 1]);
  },

  async priority() {
    const channel = await channelOf(await connect());
    const { queue } = await channel.assertQueue(fresh('priority'), { maxPriority: 10 });
    for (const priority of [1, 5, 9, 5]) {
      channel.sendToQueue(queue, Buffer.from(`${priority}`), { priority, persistent: true });
    }
    await channel.waitForConfirms();
    assert.deepEqual(await drained(channel, queue), ['9', '5', '5', '1']);
  },

  async 'max-length'() {
    const channel = await channelOf(await connect());
    const { queue } = await channel.assertQueue(fresh('max-length'), { maxLength: 3 });
    await publish(channel, queue, ...numbers(5));
    assert.deepEqual(await drained(channel, queue), ['2', '3', '4']);
  },

  async 'single-active-consumer'() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'single', [], { 'x-single-active-consumer': true });
    const first = await consume(channel, queue, { noAck: true });
    const second = await consume(channel, queue, { noAck: true });
    await publish(channel, queue, ...numbers(5));
    await first.wait(5);
    await second.stays(0);
    await channel.cancel(first.tag);
    await publish(channel, queue, 'next');
    assert.deepEqual(bodies(await second.wait(1)), ['next']);
  },
};

const manifest = new URL('node_modules/amqplib/package.json', import.meta.url);
console.log('version', JSON.parse(readFileSync(manifest)).version);
const wanted = process.argv.slice(3);
for (const name of wanted.length ? wanted : Object.keys(scenarios)) {
  try {
    await scenarios[name]();
    console.log(`ok ${name}`);
  } catch (error) {
    const says = error instanceof Cannot ? 'cannot' : 'not ok';
    console.log(`${says} ${name}: ${error.message.replaceAll('\n', ' ')}`);
  }
  await Promise.allSettled(opened.map((connection) => connection.close()));
  opened = [];
}
