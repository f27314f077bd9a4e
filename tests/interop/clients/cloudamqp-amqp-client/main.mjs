// The scenarios through @cloudamqp/amqp-client.
//
//     main.mjs HOST:PORT,HOST:PORT,HOST:PORT [SCENARIO...]

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AMQPClient, AMQPSession } from '@cloudamqp/amqp-client';

const nodes = process.argv[2].split(',');
let opened = []; // closed when their scenario ends

const fresh = (name) => `cloudamqp-${name}-${randomUUID().slice(0, 8)}`;
const numbers = (count) => Array.from({ length: count }, (_, i) => `${i}`);
const bodies = (messages) => messages.map((message) => message.bodyString());
const flags = (messages) => messages.map((message) => message.redelivered);

async function connect(node = 0, { password = 'guest', heartbeat = 30 } = {}) {
  const url = `amqp://guest:${password}@${nodes[node]}?heartbeat=${heartbeat}`;
  const client = new AMQPClient(url, undefined, null);
  client.onerror = () => {}; // whoever waits is told
  const connection = await client.connect();
  opened.push(connection);
  return connection;
}

// A channel with publisher confirms: publishing ends with the confirm.
async function channelOf(connection) {
  const channel = await connection.channel();
  channel.onerror = () => {};
  await channel.confirmSelect();
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
async function consume(channel, queue, options = { noAck: false }) {
  const messages = [];
  const consumer = await channel.basicConsume(queue, options, (message) => messages.push(message));
  return {
    consumer,
    messages,
    wait: (count) => waitUntil(() => messages.length >= count && messages, `${count} messages`),
    async stays(count) {
      await sleep(300);
      assert.equal(messages.length, count);
    },
  };
}

const get = (channel, queue) =>
  waitUntil(() => channel.basicGet(queue, { noAck: false }), `a message in ${queue}`, 5);

async function drained(channel, queue) {
  const found = [];
  for (let message; (message = await channel.basicGet(queue)); ) found.push(message);
  return bodies(found);
}

const send = (channel, exchange, key, ...texts) => Promise.all(
  texts.map((text) => channel.basicPublish(exchange, key, text, { deliveryMode: 2 })));

// A durable queue with confirmed persistent messages.
async function queueOf(channel, name, texts = [], args = {}) {
  const queue = fresh(name);
  await channel.queueDeclare(queue, { durable: true }, args);
  await send(channel, '', queue, ...texts);
  return queue;
}

const passive = async (connection, queue) =>
  (await channelOf(connection)).queueDeclare(queue, { passive: true });

const refused = (code, action) => assert.rejects(action, new RegExp(`\\(${code}\\)`));

const waitUntilGone = (connection, queue) => waitUntil(
  () => passive(connection, queue).then(() => false, (error) => /\(404\)/.test(error.message)),
  "the queue's end");

async function bound(channel, exchange, key = '', args = {}) {
  const { name } = await channel.queueDeclare('', { exclusive: true });
  await channel.queueBind(name, exchange, key, args);
  return name;
}

async function exchangeOf(channel, kind) {
  const exchange = fresh(kind);
  await channel.exchangeDeclare(exchange, kind);
  return exchange;
}

const scenarios = {
  async hello() {
    const queue = fresh('hello');
    const here = await (await connect(0)).channel();
    await here.queueDeclare(queue, { durable: false });
    await here.basicPublish('', queue, 'hello');
    const there = await (await connect(1)).channel();
    assert.equal((await get(there, queue)).bodyString(), 'hello');
  },

  async 'login-refused'() {
    await refused(403, connect(0, { password: 'wrong' }));
  },

  async confirms() {
    const connection = await connect();
    const queue = await queueOf(await channelOf(connection), 'confirms', numbers(1000));
    assert.equal((await passive(connection, queue)).messageCount, 1000);
  },

  async prefetch() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'prefetch', numbers(20));
    await channel.prefetch(5);
    const inbox = await consume(channel, queue);
    await inbox.wait(5);
    await inbox.stays(5);
    for (let count = 5; count <= 20; count += 5) {
      await (await inbox.wait(count))[count - 1].ack(true);
    }
    assert.deepEqual(bodies(inbox.messages), numbers(20));
  },

  async nack() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'nack', ['work']);
    const first = await get(channel, queue);
    assert.equal(first.redelivered, false);
    await first.nack(true);
    const again = await get(channel, queue);
    assert.deepEqual([again.redelivered, again.bodyString()], [true, 'work']);
    await again.ack();
  },

  async reject() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'reject', ['bad', 'good']);
    await (await get(channel, queue)).reject(false);
    assert.deepEqual(await drained(channel, queue), ['good']);
  },

  async recover() {
    const channel = await channelOf(await connect());
    const inbox = await consume(channel, await queueOf(channel, 'recover', numbers(3)));
    await inbox.wait(3);
    await channel.basicRecover(true);
    const again = (await inbox.wait(6)).slice(3);
    assert.deepEqual(flags(again), [true, true, true]);
    assert.deepEqual(bodies(again), numbers(3));
  },

  async return() {
    const channel = await channelOf(await connect());
    const came = [];
    channel.onReturn = (message) => came.push([message.replyCode, message.bodyString()]);
    await channel.basicPublish('', fresh('nowhere'), 'lost', {}, true);
    assert.deepEqual(came, [[312, 'lost']]);
  },

  async properties() {
    const moment = new Date(1700000000000);
    const headers = {
      bool: true, int: -70000, long: 2 ** 40, double: 0.5, string: 'text ☃', time: moment,
      void: null, bytes: new Uint8Array([0, 255]), table: { inner: { deep: 1 } },
      array: [1, 'two', [3.5, false], { k: 'v' }],
    };
    const sent = {
      contentType: 'text/plain', contentEncoding: 'utf-8', headers, deliveryMode: 2, priority: 3,
      correlationId: 'correlation', replyTo: 'reply', expiration: '60000', messageId: 'id',
      timestamp: moment, type: 'type', userId: 'guest', appId: 'app',
    };
    const channel = await channelOf(await connect(0));
    const queue = await queueOf(channel, 'properties');
    await channel.basicPublish('', queue, null, sent);
    const came = (await get(await channelOf(await connect(1)), queue)).properties;
    came.headers.long = Number(came.headers.long); // read as a BigInt
    came.headers.bytes = new Uint8Array(came.headers.bytes);
    assert.deepEqual(came, sent);
  },

  async exchanges() {
    const channel = await channelOf(await connect());
    for (const [kind, key, match, other] of [
      ['direct', 'a', 'a', 'b'], ['fanout', 'a', 'b', null], ['topic', 'a.*', 'a.b', 'a.b.c']]) {
      const exchange = await exchangeOf(channel, kind);
      const queues = [await bound(channel, exchange, key), await bound(channel, exchange, key)];
      await send(channel, exchange, match, 'yes');
      if (other) await send(channel, exchange, other, 'no');
      for (const queue of queues) assert.deepEqual(await drained(channel, queue), ['yes']);
    }
    const exchange = await exchangeOf(channel, 'headers');
    const whole = await bound(channel, exchange, '', { 'x-match': 'all', a: 1, b: 'two' });
    const some = await bound(channel, exchange, '', { 'x-match': 'any', a: 1, b: 'two' });
    for (const [text, headers] of [
      ['both', { a: 1, b: 'two' }], ['one', { a: 1, b: 'three' }], ['none', { c: 1 }]]) {
      await channel.basicPublish(exchange, '', text, { headers });
    }
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
    for (const key of keys) await send(channel, exchange, key, key);
    const came = {};
    for (const key of Object.keys(expected)) came[key] = await drained(channel, queues[key]);
    assert.deepEqual(came, expected);
  },

  async 'exchange-binding'() {
    const channel = await channelOf(await connect());
    const source = await exchangeOf(channel, 'topic');
    const destination = await exchangeOf(channel, 'fanout');
    await channel.exchangeBind(destination, source, 'log.*');
    const queue = await bound(channel, destination);
    await send(channel, source, 'log.a', 'yes');
    await send(channel, source, 'metric.a', 'no');
    assert.deepEqual(await drained(channel, queue), ['yes']);
  },

  async 'server-named'() {
    const channel = await channelOf(await connect());
    const { name } = await channel.queueDeclare('', { exclusive: false, durable: false });
    assert.match(name, /^amq\.gen-/);
    await send(channel, '', name, 'found');
    assert.deepEqual(await drained(channel, name), ['found']);
  },

  async exclusive() {
    const queue = fresh('exclusive');
    const here = await connect(0);
    const there = await connect(1);
    await (await channelOf(here)).queueDeclare(queue, { exclusive: true });
    await refused(405, passive(there, queue));
    await here.close();
    await waitUntilGone(there, queue);
  },

  async 'auto-delete'() {
    const queue = fresh('auto-delete');
    const connection = await connect();
    const channel = await channelOf(connection);
    await channel.queueDeclare(queue, { autoDelete: true, durable: false });
    await (await consume(channel, queue)).consumer.cancel();
    await waitUntilGone(connection, queue);
  },

  async redeclare() {
    const connection = await connect();
    const queue = await queueOf(await channelOf(connection), 'redeclare');
    const other = await channelOf(connection);
    await refused(406, other.queueDeclare(queue, { durable: false }));
    await passive(connection, queue);
  },

  async 'missing-queue'() {
    const connection = await connect();
    await refused(404, passive(connection, fresh('missing')));
    await (await channelOf(connection)).queueDeclare('', { exclusive: true });
  },

  async counts() {
    const connection = await connect();
    const channel = await channelOf(connection);
    const queue = await queueOf(channel, 'counts', ['a', 'b', 'c']);
    assert.equal((await passive(connection, queue)).messageCount, 3);
    assert.equal((await channel.queuePurge(queue)).messageCount, 3);
    await send(channel, '', queue, 'd', 'e');
    assert.equal((await channel.queueDelete(queue)).messageCount, 2);
  },

  async 'consumer-cancelled'() {
    const channel = await channelOf(await connect(0));
    const queue = await queueOf(channel, 'cancelled');
    const { consumer } = await consume(channel, queue);
    await (await channelOf(await connect(1))).queueDelete(queue);
    await assert.rejects(consumer.wait(10000), /cancelled by the server/);
  },

  async channels() {
    const connection = await connect();
    const each = await Promise.all(numbers(20).map(async () => {
      const channel = await connection.channel();
      const { name } = await channel.queueDeclare('', { exclusive: true });
      return { channel, name, inbox: await consume(channel, name, { noAck: true }) };
    }));
    for (const number of numbers(10)) {
      for (const { channel, name } of each) {
        await channel.basicPublish('', name, `${name} ${number}`);
      }
    }
    for (const { name, inbox } of each) {
      assert.deepEqual(bodies(await inbox.wait(10)),
        numbers(10).map((number) => `${name} ${number}`));
    }
  },

  async 'large-body'() {
    const body = randomBytes(5 << 20);
    const queue = await queueOf(await channelOf(await connect(0)), 'large', [body]);
    const message = await get(await channelOf(await connect(1)), queue);
    assert(body.equals(message.body), 'it came back another');
  },

  async heartbeat() {
    const connection = await connect(0, { heartbeat: 2 });
    await sleep(6000);
    const channel = await channelOf(connection);
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
    assert.deepEqual(flags(came), numbers(10).map((number) => number < 5));
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
    await idleChannel.basicConsume(queue, { noAck: false }, async (message) => {
      done += 1;
      await message.ack();
    });
    await send(idleChannel, '', queue, ...numbers(10));
    await waitUntil(() => done === 9, 'nine messages');
    assert.equal(busy.messages.length, 1);
  },

  async rpc() {
    const server = await channelOf(await connect(0));
    const queue = await queueOf(server, 'rpc');
    await server.basicConsume(queue, { noAck: false }, async (request) => {
      const { replyTo, correlationId } = request.properties;
      await server.basicPublish('', replyTo, `${request.bodyString() * 2}`, { correlationId });
      await request.ack();
    });
    const client = await channelOf(await connect(1));
    const { name: replyTo } = await client.queueDeclare('', { exclusive: true });
    const inbox = await consume(client, replyTo, { noAck: true });
    for (const number of numbers(5)) {
      await client.basicPublish('', queue, number, { replyTo, correlationId: `request ${number}` });
    }
    const answers = (await inbox.wait(5)).map(
      (answer) => [answer.properties.correlationId, answer.bodyString()]);
    assert.deepEqual(Object.fromEntries(answers),
      Object.fromEntries(numbers(5).map((number) => [`request ${number}`, `${number * 2}`])));
  },

  async failover() {
    const held = numbers(10).map((number) => `held ${number}`);
    const confirmed = [...held];
    const lost = await connect(0);
    const channel = await channelOf(lost);
    const queue = await queueOf(channel, 'failover', held);
    await channel.prefetch(held.length);
    await (await consume(channel, queue)).wait(held.length);
    console.log('want kill');
    await assert.rejects(async () => {
      const deadline = Date.now() + 60000;
      for (let i = 0; Date.now() < deadline; i += 1) {
        await send(channel, '', queue, `message ${i}`);
        confirmed.push(`message ${i}`);
      }
    });
    opened = opened.filter((connection) => connection !== lost);
    const other = await channelOf(await connect(1));
    const later = numbers(50).map((number) => `later ${number}`);
    await send(other, '', queue, ...later);
    const inbox = await consume(other, queue);
    await waitUntil(() => bodies(inbox.messages).includes('later 49'), 'the last message');
    const came = new Map(inbox.messages.map(
      (message) => [message.bodyString(), message.redelivered]));
    assert.deepEqual([...confirmed, ...later].filter((body) => !came.has(body)), [],
      'confirmed messages are lost');
    assert.deepEqual(held.filter((body) => !came.get(body)), [], 'no redelivered flag');
  },

  async tx() {
    const channel = await (await connect()).channel();
    channel.onerror = () => {};
    const queue = await channel.queueDeclare(fresh('tx'), { durable: true });
    await channel.txSelect();
    await send(channel, '', queue.name, 'rolled back');
    await channel.txRollback();
    await send(channel, '', queue.name, 'committed');
    await channel.txCommit();
    assert.deepEqual(await drained(channel, queue.name), ['committed']);
  },

  // By the session of the library, whose calls use the pseudo-queue.
  async 'direct-reply-to'() {
    const session = await AMQPSession.connect(`amqp://guest:guest@${nodes[0]}`, { logger: null });
    try {
      const queue = fresh('direct-reply');
      await session.queue(queue);
      await session.rpcServer(queue, async (request) => `${request.bodyString()} answered`);
      const answer = await session.rpcCall(queue, 'ask', { timeout: 5000 });
      assert.equal(answer.bodyString(), 'ask answered');
    } finally {
      await session.stop();
    }
  },

  async 'dead-letter'() {
    const channel = await channelOf(await connect());
    const dead = await queueOf(channel, 'dead');
    const queue = await queueOf(channel, 'short-lived', ['late'], {
      'x-message-ttl': 200, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead });
    const message = await get(channel, dead);
    const [death] = message.properties.headers['x-death'];
    assert.deepEqual([death.reason, death.queue, Number(death.count)], ['expired', queue, 1]);
  },

  async priority() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'priority', [], { 'x-max-priority': 10 });
    for (const priority of [1, 5, 9, 5]) {
      await channel.basicPublish('', queue, `${priority}`, { priority, deliveryMode: 2 });
    }
    assert.deepEqual(await drained(channel, queue), ['9', '5', '5', '1']);
  },

  async 'max-length'() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'max-length', numbers(5), { 'x-max-length': 3 });
    assert.deepEqual(await drained(channel, queue), ['2', '3', '4']);
  },

  async 'single-active-consumer'() {
    const channel = await channelOf(await connect());
    const queue = await queueOf(channel, 'single', [], { 'x-single-active-consumer': true });
    const first = await consume(channel, queue, { noAck: true });
    const second = await consume(channel, queue, { noAck: true });
    await send(channel, '', queue, ...numbers(5));
    await first.wait(5);
    await second.stays(0);
    await first.consumer.cancel();
    await send(channel, '', queue, 'next');
    assert.deepEqual(bodies(await second.wait(1)), ['next']);
  },
};

const manifest = new URL('node_modules/@cloudamqp/amqp-client/package.json', import.meta.url);
console.log('version', JSON.parse(readFileSync(manifest)).version);
const wanted = process.argv.slice(3);
for (const name of wanted.length ? wanted : Object.keys(scenarios)) {
  try {
    await scenarios[name]();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${error.message.replaceAll('\n', ' ')}`);
  }
  await Promise.allSettled(opened.map((connection) => connection.close()));
  opened = [];
}
