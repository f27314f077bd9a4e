"""Both brokers, and what each of them answered to every scenario."""

import concurrent.futures
import pathlib
import signal
import sys

from amqp_codec import HEADER, decode_method
from client import Client
from player import Player, clean_up
from rabbitmq import RabbitMQ
from scenario import read_folder
from verdicts import Verdicts
from warren_cluster import Cluster

HERE = pathlib.Path(__file__).resolve().parent
AT_A_TIME = 8  # scenarios: most of their time is waiting


def play(scenario, ports):
    """The transcript, or what went wrong with the playing itself. Connections go to the ports in
    turn: a to the first one, b to the next."""
    letters = "abcdef"
    try:
        return Player(scenario, {letter: ports[place % len(ports)]
                                 for place, letter in enumerate(letters)}).play()
    except Exception as error:  # noqa: BLE001 - one scenario must not end the others
        return f"(could not be played: {type(error).__name__}: {error})"
    finally:
        clean_up(scenario, ports[0])


def play_scenarios(scenarios, ports):
    """name -> transcript"""
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        played = pool.map(lambda scenario: play(scenario, ports), scenarios)
        return dict(zip([scenario.name for scenario in scenarios], played, strict=True))


class Contest:
    def __init__(self, theirs, ours, nodes=1):
        self.rabbitmq = RabbitMQ(theirs)
        self.warren = Cluster(nodes=nodes, base_port=ours)
        self.scenarios = read_folder(HERE / "scenarios")
        self.verdicts = Verdicts()
        self.theirs, self.ours = {}, {}

    def __enter__(self):
        # A runner whose time is over sends SIGTERM: the brokers must not outlive the test.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
        try:
            self.rabbitmq.start()
            self.warren.start()
            self.warren.wait_for_leaders(1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.rabbitmq.stop()
        self.warren.destroy()

    def version(self):
        """What RabbitMQ calls itself."""
        seen = {}

        def note(_kind, _channel, payload):
            name, values = decode_method(payload)
            if name == "connection.start":
                seen.update({key: value[1] for key, value in values["server_properties"]})

        client = Client(self.rabbitmq.port, note)
        client.send(HEADER)
        client.expect("connection.start")
        client.drop()
        return seen["version"]

    def play_all(self):
        self.theirs = play_scenarios(self.scenarios, [self.rabbitmq.port])
        self.ours = play_scenarios(self.scenarios, self.ports())

    def play_alone(self, scenario):
        """Both transcripts of one scenario while nothing else goes on."""
        return play(scenario, [self.rabbitmq.port]), play(scenario, self.ports())

    def ports(self):
        return [self.warren.port(node) for node in range(1, self.warren.nodes + 1)]
