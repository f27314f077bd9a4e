//! The scenarios themselves.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use lapin::options::*;
use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Confirmation, ExchangeKind};

use crate::support::*;

/// The scenarios by name.
macro_rules! scenarios {
    ($($name:literal => $function:ident,)*) => {
        pub const NAMES: &[&str] = &[$($name),*];

        pub async fn play(name: &str) -> Outcome {
            match name {
                $($name => $function().await,)*
                _ => panic!("there is no such scenario"),
            }
        }
    };
}

scenarios! {
    "hello" => hello, "login-refused" => login_refused, "confirms" => confirms,
    "prefetch" => prefetch, "nack" => nack, "reject" => reject, "recover" => recover,
    "return" => returned, "properties" => properties, "exchanges" => exchanges,
    "topic-wildcards" => topic_wildcards, "exchange-binding" => exchange_binding,
    "server-named" => server_named, "exclusive" => exclusive, "auto-delete" => auto_delete,
    "redeclare" => redeclare, "missing-queue" => missing_queue, "counts" => counts,
    "consumer-cancelled" => consumer_cancelled, "channels" => channels,
    "large-body" => large_body, "heartbeat" => heartbeat, "close-consuming" => close_consuming,
    "fair-dispatch" => fair_dispatch, "rpc" => rpc, "failover" => failover, "tx" => tx,
    "direct-reply-to" => direct_reply_to, "dead-letter" => dead_letter, "priority" => priority,
    "max-length" => max_length, "single-active-consumer" => single_active_consumer,
}

const NONE: &[&str] = &[];

async fn hello() -> Outcome {
    let (here, there) = (connect(0).await?, connect(1).await?);
    let channel = here.create_channel().await?;
    let queue = declare(&channel, &fresh("hello"), QueueDeclareOptions::default()).await?;
    let options = BasicPublishOptions::default();
    let key = queue.as_str().into();
    channel.basic_publish("".into(), key, options, b"hello", Default::default()).await?.await?;
    assert_eq!(body(&get(&there.create_channel().await?, &queue).await?.delivery), "hello");
    Ok(())
}

async fn login_refused() -> Outcome {
    refused(403, connect_with(0, "wrong", 30).await);
    Ok(())
}

async fn confirms() -> Outcome {
    let connection = connect(0).await?;
    let queue = queue_of(&channel_of(&connection).await?, "confirms", &numbers(1000)).await?;
    assert_eq!(count(&connection, &queue).await?, 1000);
    Ok(())
}

async fn prefetch() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let queue = queue_of(&channel, "prefetch", &numbers(20)).await?;
    channel.basic_qos(5, BasicQosOptions::default()).await?;
    let mut consumer = consume(&channel, &queue, false).await?;
    let mut came = Vec::new();
    while came.len() < 20 {
        let some = take(&mut consumer, 5).await?;
        stays_empty(&mut consumer).await;
        some[4].ack(BasicAckOptions { multiple: true }).await?;
        came.extend(bodies(&some));
    }
    assert_eq!(came, numbers(20));
    Ok(())
}

async fn nack() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let queue = queue_of(&channel, "nack", &["work"]).await?;
    let first = get(&channel, &queue).await?;
    assert!(!first.redelivered);
    first.nack(BasicNackOptions { requeue: true, ..Default::default() }).await?;
    let again = get(&channel, &queue).await?;
    assert_eq!((again.redelivered, body(&again.delivery).as_str()), (true, "work"));
    again.ack(BasicAckOptions::default()).await?;
    Ok(())
}

async fn reject() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let queue = queue_of(&channel, "reject", &["bad", "good"]).await?;
    get(&channel, &queue).await?.reject(BasicRejectOptions { requeue: false }).await?;
    assert_eq!(drained(&channel, &queue).await?, ["good"]);
    Ok(())
}

async fn recover() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let queue = queue_of(&channel, "recover", &numbers(3)).await?;
    let mut consumer = consume(&channel, &queue, false).await?;
    take(&mut consumer, 3).await?;
    channel.basic_recover(BasicRecoverOptions { requeue: true }).await?;
    let again = take(&mut consumer, 3).await?;
    assert_eq!((bodies(&again), flags(&again)), (numbers(3), vec![true; 3]));
    Ok(())
}

async fn returned() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let key = fresh("nowhere").into();
    let told = channel.basic_publish("".into(), key, options, b"lost", persistent()).await?.await?;
    let Confirmation::Ack(Some(message)) = told else { panic!("it did not come back: {told:?}") };
    assert_eq!((message.reply_code, body(&message.delivery).as_str()), (312, "lost"));
    Ok(())
}

async fn properties() -> Outcome {
    let deep = table(&[("inner", AMQPValue::FieldTable(table(&[("deep", 1i32.into())])))]);
    let array = vec![1i32.into(), text("two"), FieldArray::from(vec![3.5f64.into()]).into()];
    let headers = table(&[
        ("bool", true.into()),
        ("i8", (-7i8).into()),
        ("u8", 200u8.into()),
        ("i16", (-300i16).into()),
        ("u16", 60000u16.into()),
        ("i32", (-70000i32).into()),
        ("u32", 4_000_000_000u32.into()),
        ("i64", (1i64 << 40).into()),
        ("f32", 1.5f32.into()),
        ("f64", 0.5f64.into()),
        ("string", text("text ☃")),
        ("void", AMQPValue::Void),
        ("decimal", DecimalValue { scale: 2, value: 125 }.into()),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("table", deep.into()),
        ("bytes", ByteArray::from(vec![0, 255]).into()),
        ("array", FieldArray::from(array).into()),
    ]);
    let sent = BasicProperties::default()
        .with_content_type("text/plain".into())
        .with_content_encoding("utf-8".into())
        .with_headers(headers)
        .with_delivery_mode(2)
        .with_priority(3)
        .with_correlation_id("correlation".into())
        .with_reply_to("reply".into())
        .with_expiration("60000".into())
        .with_message_id("id".into())
        .with_timestamp(1_700_000_000)
        .with_type("type".into())
        .with_user_id("guest".into())
        .with_app_id("app".into());
    let (here, there) = (connect(0).await?, connect(1).await?);
    let channel = channel_of(&here).await?;
    let queue = queue_of(&channel, "properties", NONE).await?;
    let (key, options) = (queue.as_str().into(), BasicPublishOptions::default());
    channel.basic_publish("".into(), key, options, b"", sent.clone()).await?.await?;
    assert_eq!(get(&channel_of(&there).await?, &queue).await?.properties, sent);
    Ok(())
}

async fn exchanges() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    for (kind, key, hit, other) in [
        (ExchangeKind::Direct, "a", "a", Some("b")),
        (ExchangeKind::Fanout, "a", "b", None),
        (ExchangeKind::Topic, "a.*", "a.b", Some("a.b.c")),
    ] {
        let exchange = exchange_of(&channel, kind).await?;
        let first = bound(&channel, &exchange, key, FieldTable::default()).await?;
        let second = bound(&channel, &exchange, key, FieldTable::default()).await?;
        send(&channel, &exchange, hit, &["yes"]).await?;
        if let Some(other) = other {
            send(&channel, &exchange, other, &["no"]).await?;
        }
        assert_eq!(drained(&channel, &first).await?, ["yes"]);
        assert_eq!(drained(&channel, &second).await?, ["yes"]);
    }
    let exchange = exchange_of(&channel, ExchangeKind::Headers).await?;
    let wanted = |mode| table(&[("x-match", text(mode)), ("a", 1i32.into()), ("b", text("two"))]);
    let whole = bound(&channel, &exchange, "", wanted("all")).await?;
    let some = bound(&channel, &exchange, "", wanted("any")).await?;
    for (body, headers) in [
        ("both", table(&[("a", 1i32.into()), ("b", text("two"))])),
        ("one", table(&[("a", 1i32.into()), ("b", text("three"))])),
        ("none", table(&[("c", 1i32.into())])),
    ] {
        let (name, options) = (exchange.as_str().into(), BasicPublishOptions::default());
        let with = persistent().with_headers(headers);
        channel.basic_publish(name, "".into(), options, body.as_bytes(), with).await?.await?;
    }
    assert_eq!(drained(&channel, &whole).await?, ["both"]);
    assert_eq!(drained(&channel, &some).await?, ["both", "one"]);
    Ok(())
}

async fn topic_wildcards() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let exchange = exchange_of(&channel, ExchangeKind::Topic).await?;
    let all = [
        "quick.orange.rabbit",
        "lazy",
        "lazy.orange.fox",
        "rabbit",
        "orange",
        "lazy.pink.rabbit.x",
    ];
    let expected: [(&str, &[&str]); 4] = [
        ("*.orange.*", &["quick.orange.rabbit", "lazy.orange.fox"]),
        ("#.rabbit", &["quick.orange.rabbit", "rabbit"]),
        ("lazy.#", &["lazy", "lazy.orange.fox", "lazy.pink.rabbit.x"]),
        ("#", &all),
    ];
    let mut queues = Vec::new();
    for (key, _) in expected {
        queues.push(bound(&channel, &exchange, key, FieldTable::default()).await?);
    }
    for key in all {
        send(&channel, &exchange, key, &[key]).await?;
    }
    for (queue, (_, keys)) in queues.iter().zip(expected) {
        assert_eq!(drained(&channel, queue).await?, keys);
    }
    Ok(())
}

async fn exchange_binding() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let source = exchange_of(&channel, ExchangeKind::Topic).await?;
    let destination = exchange_of(&channel, ExchangeKind::Fanout).await?;
    let options = ExchangeBindOptions::default();
    let (to, from) = (destination.as_str().into(), source.as_str().into());
    channel.exchange_bind(to, from, "log.*".into(), options, FieldTable::default()).await?;
    let queue = bound(&channel, &destination, "", FieldTable::default()).await?;
    send(&channel, &source, "log.a", &["yes"]).await?;
    send(&channel, &source, "metric.a", &["no"]).await?;
    assert_eq!(drained(&channel, &queue).await?, ["yes"]);
    Ok(())
}

async fn server_named() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let queue = declare(&channel, "", QueueDeclareOptions::default()).await?;
    assert!(queue.starts_with("amq.gen-"), "{queue}");
    send(&channel, "", &queue, &["found"]).await?;
    assert_eq!(drained(&channel, &queue).await?, ["found"]);
    Ok(())
}

async fn exclusive() -> Outcome {
    let (here, there) = (connect(0).await?, connect(1).await?);
    let channel = here.create_channel().await?;
    let queue = declare(&channel, &fresh("exclusive"), QueueDeclareOptions::exclusive()).await?;
    refused(405, count(&there, &queue).await);
    here.close(200, "".into()).await?;
    wait_until_gone(&there, &queue).await
}

async fn auto_delete() -> Outcome {
    let connection = connect(0).await?;
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions::default().auto_delete();
    let queue = declare(&channel, &fresh("auto-delete"), options).await?;
    let consumer = consume(&channel, &queue, false).await?;
    channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
    wait_until_gone(&connection, &queue).await
}

async fn redeclare() -> Outcome {
    let connection = connect(0).await?;
    let queue = queue_of(&channel_of(&connection).await?, "redeclare", NONE).await?;
    let other = connection.create_channel().await?;
    refused(406, declare(&other, &queue, QueueDeclareOptions::default()).await);
    count(&connection, &queue).await?;
    Ok(())
}

async fn missing_queue() -> Outcome {
    let connection = connect(0).await?;
    refused(404, count(&connection, &fresh("missing")).await);
    declare(&channel_of(&connection).await?, "", QueueDeclareOptions::exclusive()).await?;
    Ok(())
}

async fn counts() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let queue = queue_of(&channel, "counts", &["a", "b", "c"]).await?;
    let name = || queue.as_str().into();
    assert_eq!(count(&connection, &queue).await?, 3);
    assert_eq!(channel.queue_purge(name(), QueuePurgeOptions::default()).await?, 3);
    send(&channel, "", &queue, &["d", "e"]).await?;
    assert_eq!(channel.queue_delete(name(), QueueDeleteOptions::default()).await?, 2);
    Ok(())
}

async fn consumer_cancelled() -> Outcome {
    let (here, there) = (connect(0).await?, connect(1).await?);
    let channel = channel_of(&here).await?;
    let queue = queue_of(&channel, "cancelled", NONE).await?;
    let mut consumer = consume(&channel, &queue, false).await?;
    let other = there.create_channel().await?;
    other.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
    let end = tokio::time::timeout(Duration::from_secs(10), consumer.next()).await?;
    assert!(end.is_none(), "{end:?}");
    channel.basic_qos(1, BasicQosOptions::default()).await?; // the channel lives
    Ok(())
}

async fn channels() -> Outcome {
    let connection = connect(0).await?;
    let mut each = Vec::new();
    for _ in 0..20 {
        let channel = connection.create_channel().await?;
        let queue = declare(&channel, "", QueueDeclareOptions::exclusive()).await?;
        let consumer = consume(&channel, &queue, true).await?;
        each.push((channel, queue, consumer));
    }
    for number in numbers(10) {
        for (channel, queue, _) in &each {
            let (key, options) = (queue.as_str().into(), BasicPublishOptions::default());
            let body = number.as_bytes();
            channel.basic_publish("".into(), key, options, body, Default::default()).await?.await?;
        }
    }
    for (_, _, consumer) in &mut each {
        assert_eq!(bodies(&take(consumer, 10).await?), numbers(10));
    }
    Ok(())
}

async fn large_body() -> Outcome {
    let large: Vec<u8> =
        (0..5u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (here, there) = (connect(0).await?, connect(1).await?);
    let channel = channel_of(&here).await?;
    let queue = queue_of(&channel, "large", NONE).await?;
    let (key, options) = (queue.as_str().into(), BasicPublishOptions::default());
    channel.basic_publish("".into(), key, options, &large, persistent()).await?.await?;
    let got = get(&there.create_channel().await?, &queue).await?;
    assert!(got.data == large, "it came back another");
    Ok(())
}

async fn heartbeat() -> Outcome {
    let connection = connect_with(0, "guest", 1).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let channel = channel_of(&connection).await?;
    let queue = queue_of(&channel, "heartbeat", &["alive"]).await?;
    assert_eq!(drained(&channel, &queue).await?, ["alive"]);
    Ok(())
}

async fn close_consuming() -> Outcome {
    let (here, there) = (connect(0).await?, connect(1).await?);
    let channel = channel_of(&here).await?;
    let queue = queue_of(&channel, "close", &numbers(10)).await?;
    channel.basic_qos(5, BasicQosOptions::default()).await?;
    take(&mut consume(&channel, &queue, false).await?, 5).await?;
    here.close(200, "".into()).await?;
    let channel = there.create_channel().await?;
    let came = take(&mut consume(&channel, &queue, false).await?, 10).await?;
    assert_eq!(bodies(&came), numbers(10));
    assert_eq!(flags(&came), (0..10).map(|i| i < 5).collect::<Vec<_>>());
    Ok(())
}

async fn fair_dispatch() -> Outcome {
    let connection = connect(0).await?;
    let (busy_channel, idle_channel) =
        (channel_of(&connection).await?, channel_of(&connection).await?);
    let queue = queue_of(&busy_channel, "fair", NONE).await?;
    busy_channel.basic_qos(1, BasicQosOptions::default()).await?;
    idle_channel.basic_qos(1, BasicQosOptions::default()).await?;
    let mut busy = consume(&busy_channel, &queue, false).await?;
    let mut idle = consume(&idle_channel, &queue, false).await?;
    send(&busy_channel, "", &queue, &numbers(10)).await?;
    for _ in 0..9 {
        take(&mut idle, 1).await?[0].ack(BasicAckOptions::default()).await?;
    }
    take(&mut busy, 1).await?;
    stays_empty(&mut busy).await;
    Ok(())
}

async fn rpc() -> Outcome {
    let (here, there) = (connect(0).await?, connect(1).await?);
    let (server, client) = (channel_of(&here).await?, channel_of(&there).await?);
    let queue = queue_of(&server, "rpc", NONE).await?;
    let mut requests = consume(&server, &queue, false).await?;
    let replies = declare(&client, "", QueueDeclareOptions::exclusive()).await?;
    let mut answers = consume(&client, &replies, true).await?;
    let options = BasicPublishOptions::default();
    for number in numbers(5) {
        let with = BasicProperties::default()
            .with_reply_to(replies.as_str().into())
            .with_correlation_id(format!("request {number}").into());
        let key = queue.as_str().into();
        client.basic_publish("".into(), key, options, number.as_bytes(), with).await?.await?;
    }
    for request in take(&mut requests, 5).await? {
        let answer = (2 * body(&request).parse::<u32>()?).to_string();
        let to = request.properties.reply_to().clone().expect("reply-to");
        let correlation = request.properties.correlation_id().clone().expect("correlation id");
        let with = BasicProperties::default().with_correlation_id(correlation);
        server.basic_publish("".into(), to, options, answer.as_bytes(), with).await?.await?;
        request.ack(BasicAckOptions::default()).await?;
    }
    for (number, answer) in take(&mut answers, 5).await?.iter().enumerate() {
        let correlation = answer.properties.correlation_id().clone().expect("correlation id");
        assert_eq!(correlation.as_str(), format!("request {number}"));
        assert_eq!(body(answer), (2 * number).to_string());
    }
    Ok(())
}

async fn failover() -> Outcome {
    let held: Vec<String> = numbers(10).iter().map(|number| format!("held {number}")).collect();
    let mut confirmed = held.clone();
    let doomed = connect(0).await?;
    let channel = channel_of(&doomed).await?;
    let queue = queue_of(&channel, "failover", &held).await?;
    channel.basic_qos(10, BasicQosOptions::default()).await?;
    let mut consumer = consume(&channel, &queue, false).await?;
    take(&mut consumer, 10).await?;
    println!("want kill");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let body = format!("message {}", confirmed.len());
        if send(&channel, "", &queue, &[&body]).await.is_err() {
            break;
        }
        confirmed.push(body);
        assert!(Instant::now() < deadline, "the node was not killed");
    }
    let there = connect(1).await?;
    let channel = channel_of(&there).await?;
    let later: Vec<String> = numbers(50).iter().map(|number| format!("later {number}")).collect();
    send(&channel, "", &queue, &later).await?;
    confirmed.extend(later);
    let mut consumer = consume(&channel, &queue, false).await?;
    let mut came = HashMap::new();
    while !came.contains_key("later 49") {
        let delivery = take(&mut consumer, 1).await?.remove(0);
        came.insert(body(&delivery), delivery.redelivered);
    }
    let lost: Vec<_> = confirmed.iter().filter(|body| !came.contains_key(*body)).collect();
    assert!(lost.is_empty(), "confirmed messages are lost: {lost:?}");
    assert!(held.iter().all(|body| came[body]), "a held message came again without the flag");
    Ok(())
}

async fn tx() -> Outcome {
    let connection = connect(0).await?;
    let channel = connection.create_channel().await?;
    let queue = declare(&channel, &fresh("tx"), QueueDeclareOptions::durable()).await?;
    let (key, options) = (|| queue.as_str().into(), BasicPublishOptions::default());
    channel.tx_select().await?;
    channel.basic_publish("".into(), key(), options, b"rolled back", persistent()).await?.await?;
    channel.tx_rollback().await?;
    channel.basic_publish("".into(), key(), options, b"committed", persistent()).await?.await?;
    channel.tx_commit().await?;
    assert_eq!(drained(&channel, &queue).await?, ["committed"]);
    Ok(())
}

async fn direct_reply_to() -> Outcome {
    let pseudo_queue = "amq.rabbitmq.reply-to";
    let (here, there) = (connect(0).await?, connect(1).await?);
    let (server, client) = (channel_of(&here).await?, channel_of(&there).await?);
    let queue = queue_of(&server, "direct-reply", NONE).await?;
    let mut answers = consume(&client, pseudo_queue, true).await?;
    let with = BasicProperties::default().with_reply_to(pseudo_queue.into());
    let (key, options) = (queue.as_str().into(), BasicPublishOptions::default());
    client.basic_publish("".into(), key, options, b"ask", with).await?.await?;
    let request = get(&server, &queue).await?;
    let to = request.properties.reply_to().clone().expect("reply-to");
    send(&server, "", to.as_str(), &["answer"]).await?;
    assert_eq!(bodies(&take(&mut answers, 1).await?), ["answer"]);
    Ok(())
}

async fn dead_letter() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let dead = queue_of(&channel, "dead", NONE).await?;
    let arguments = table(&[
        ("x-message-ttl", 200i32.into()),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    let queue = queue_with(&channel, "short-lived", &["late"], arguments).await?;
    let message = get(&channel, &dead).await?;
    assert_eq!(body(&message.delivery), "late");
    let headers = message.properties.headers().clone().expect("headers");
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else {
        panic!("no x-death")
    };
    let AMQPValue::FieldTable(death) = &deaths.as_slice()[0] else {
        panic!("no table: {deaths:?}")
    };
    assert_eq!(death.inner().get("reason"), Some(&text("expired")));
    assert_eq!(death.inner().get("queue"), Some(&text(&queue)));
    assert_eq!(death.inner().get("count"), Some(&AMQPValue::LongLongInt(1)));
    Ok(())
}

async fn priority() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let arguments = table(&[("x-max-priority", 10i32.into())]);
    let queue = queue_with(&channel, "priority", NONE, arguments).await?;
    for level in [1u8, 5, 9, 5] {
        let (key, options) = (queue.as_str().into(), BasicPublishOptions::default());
        let (body, with) = (level.to_string(), persistent().with_priority(level));
        channel.basic_publish("".into(), key, options, body.as_bytes(), with).await?.await?;
    }
    assert_eq!(drained(&channel, &queue).await?, ["9", "5", "5", "1"]);
    Ok(())
}

async fn max_length() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let arguments = table(&[("x-max-length", 3i32.into())]);
    let queue = queue_with(&channel, "max-length", &numbers(5), arguments).await?;
    assert_eq!(drained(&channel, &queue).await?, ["2", "3", "4"]);
    Ok(())
}

async fn single_active_consumer() -> Outcome {
    let connection = connect(0).await?;
    let channel = channel_of(&connection).await?;
    let arguments = table(&[("x-single-active-consumer", true.into())]);
    let queue = queue_with(&channel, "single", NONE, arguments).await?;
    let mut first = consume(&channel, &queue, true).await?;
    let mut second = consume(&channel, &queue, true).await?;
    send(&channel, "", &queue, &numbers(5)).await?;
    take(&mut first, 5).await?;
    stays_empty(&mut second).await;
    channel.basic_cancel(first.tag(), BasicCancelOptions::default()).await?;
    send(&channel, "", &queue, &["next"]).await?;
    assert_eq!(bodies(&take(&mut second, 1).await?), ["next"]);
    Ok(())
}
