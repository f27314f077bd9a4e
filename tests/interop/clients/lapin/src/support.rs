//! What the scenarios are told with.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_lite::StreamExt;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ErrorKind, ExchangeKind,
};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

static NODES: OnceLock<Vec<String>> = OnceLock::new();
static SERIAL: AtomicU32 = AtomicU32::new(0);

pub fn set_nodes(list: &str) {
    NODES.set(list.split(',').map(str::to_string).collect()).expect("set once");
}

pub fn fresh(name: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    format!("lapin-{name}-{}-{}", since.as_micros(), SERIAL.fetch_add(1, Ordering::Relaxed))
}

pub fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

pub async fn connect_with(
    node: usize,
    password: &str,
    heartbeat: u32,
) -> lapin::Result<Connection> {
    let address = &NODES.get().expect("set by main")[node];
    let uri = format!("amqp://guest:{password}@{address}/%2f?heartbeat={heartbeat}");
    Connection::connect(&uri, ConnectionProperties::default()).await
}

pub async fn connect(node: usize) -> lapin::Result<Connection> {
    connect_with(node, "guest", 30).await
}

/// A channel with publisher confirms.
pub async fn channel_of(connection: &Connection) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

pub fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}

/// Publishes persistently; returns when all is confirmed.
pub async fn send<T: AsRef<str>>(
    channel: &Channel,
    exchange: &str,
    key: &str,
    bodies: &[T],
) -> Outcome {
    let mut confirms = Vec::new();
    for body in bodies {
        let options = BasicPublishOptions::default();
        let body = body.as_ref().as_bytes();
        confirms.push(
            channel.basic_publish(exchange.into(), key.into(), options, body, persistent()).await?,
        );
    }
    for confirm in confirms {
        assert!(confirm.await?.is_ack(), "a message was not confirmed");
    }
    Ok(())
}

pub fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut made = FieldTable::default();
    for (key, value) in entries {
        made.insert((*key).into(), value.clone());
    }
    made
}

pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// A durable queue with confirmed messages.
pub async fn queue_with<T: AsRef<str>>(
    channel: &Channel,
    name: &str,
    bodies: &[T],
    arguments: FieldTable,
) -> Outcome<String> {
    let queue = fresh(name);
    channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), arguments).await?;
    send(channel, "", &queue, bodies).await?;
    Ok(queue)
}

pub async fn queue_of<T: AsRef<str>>(
    channel: &Channel,
    name: &str,
    bodies: &[T],
) -> Outcome<String> {
    queue_with(channel, name, bodies, FieldTable::default()).await
}

pub async fn declare(
    channel: &Channel,
    name: &str,
    options: QueueDeclareOptions,
) -> lapin::Result<String> {
    let queue = channel.queue_declare(name.into(), options, FieldTable::default()).await?;
    Ok(queue.name().to_string())
}

/// How many messages a queue has, by a passive declare on a channel of its own.
pub async fn count(connection: &Connection, queue: &str) -> lapin::Result<u32> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions::default().passive();
    let declared = channel.queue_declare(queue.into(), options, FieldTable::default()).await?;
    Ok(declared.message_count())
}

pub async fn wait_until<F: Future<Output = Outcome<bool>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition().await? {
        assert!(Instant::now() < deadline, "waited 10 s in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

pub async fn get(channel: &Channel, queue: &str) -> Outcome<BasicGetMessage> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(got) = channel.basic_get(queue.into(), BasicGetOptions::default()).await? {
            return Ok(got);
        }
        assert!(Instant::now() < deadline, "{queue} stayed empty");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn drained(channel: &Channel, queue: &str) -> Outcome<Vec<String>> {
    let mut bodies = Vec::new();
    let options = BasicGetOptions { no_ack: true };
    while let Some(got) = channel.basic_get(queue.into(), options).await? {
        bodies.push(body(&got.delivery));
    }
    Ok(bodies)
}

pub fn body(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.data).into_owned()
}

pub fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(body).collect()
}

pub fn flags(deliveries: &[Delivery]) -> Vec<bool> {
    deliveries.iter().map(|delivery| delivery.redelivered).collect()
}

pub async fn consume(channel: &Channel, queue: &str, no_ack: bool) -> lapin::Result<Consumer> {
    let options = BasicConsumeOptions { no_ack, ..Default::default() };
    channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await
}

pub async fn take(consumer: &mut Consumer, count: usize) -> Outcome<Vec<Delivery>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        match tokio::time::timeout(Duration::from_secs(10), consumer.next()).await {
            Ok(Some(delivery)) => taken.push(delivery?),
            Ok(None) => panic!("the consumer ended after {} of {count} messages", taken.len()),
            Err(_) => panic!("{} of {count} messages came", taken.len()),
        }
    }
    Ok(taken)
}

pub async fn stays_empty(consumer: &mut Consumer) {
    let more = tokio::time::timeout(Duration::from_millis(300), consumer.next()).await;
    assert!(more.is_err(), "a message came: {more:?}");
}

/// The code with which the server closed the channel or connection.
pub fn code_of(error: &lapin::Error) -> u16 {
    match error.kind() {
        ErrorKind::ProtocolError(told) => told.get_id(),
        _ => panic!("not told by the server: {error}"),
    }
}

pub fn refused<T>(code: u16, result: lapin::Result<T>) {
    match result {
        Ok(_) => panic!("it was not refused with {code}"),
        Err(error) => assert_eq!(code_of(&error), code),
    }
}

pub async fn wait_until_gone(connection: &Connection, queue: &str) -> Outcome {
    wait_until("the queue's end", || async {
        Ok(count(connection, queue).await.is_err_and(|error| code_of(&error) == 404))
    })
    .await
}

pub async fn exchange_of(channel: &Channel, kind: ExchangeKind) -> lapin::Result<String> {
    let exchange = fresh("exchange");
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel
        .exchange_declare(exchange.as_str().into(), kind, options, FieldTable::default())
        .await?;
    Ok(exchange)
}

pub async fn bound(
    channel: &Channel,
    exchange: &str,
    key: &str,
    arguments: FieldTable,
) -> lapin::Result<String> {
    let queue = declare(channel, "", QueueDeclareOptions::exclusive()).await?;
    let options = QueueBindOptions::default();
    channel
        .queue_bind(queue.as_str().into(), exchange.into(), key.into(), options, arguments)
        .await?;
    Ok(queue)
}
