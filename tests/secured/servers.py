"""Servers of a test's own with one user, and TLS with a certificate of the test's own."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from tests.broker_probes import TARGETS, Address, BrokerDown, receive_line
from tests.faults.servers import (
    KafkaServer,
    NatsServer,
    RabbitServer,
    RedisServer,
    Server,
    free_port,
)

USER, PASSWORD = "alice", "right-one"


class Certificates:
    """An authority and a certificate of it for this machine, as files.

    Args:
        folder: for the files.
    """

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        issued = self.authority.issue_cert("localhost", "127.0.0.1")
        self.ca = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        self.both = folder / "both.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        self.certificate.write_bytes(chain)
        key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        text = key.private_bytes(  # Kafka reads no other format
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.key.write_bytes(text)
        self.both.write_bytes(text + chain)

    def context(self) -> ssl.SSLContext:
        """For a client that trusts this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca))


class Secured(Server):
    """What the secured servers have in common: their certificate."""

    certificates: Certificates

    def prepare(self) -> None:
        if not hasattr(self, "certificates"):
            self.certificates = Certificates(self.folder)
        super().prepare()

    def probe(self) -> None:
        address = Address("127.0.0.1", self.port, USER, PASSWORD)
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 1.0) as plain,
                self.certificates.context().wrap_socket(plain, server_hostname="localhost") as link,
            ):
                TARGETS[self.kind].ask(link, address)
        except OSError as error:
            raise BrokerDown(f"{self.kind} does not answer: {error}") from error


class SecuredNats(Secured, NatsServer):
    """nats-server with one user; it greets before TLS begins."""

    def prepare(self) -> None:
        super().prepare()
        files = self.certificates
        (self.folder / "server.conf").write_text(
            f'tls {{ cert_file: "{files.certificate}", key_file: "{files.key}" }}\n'
            f'authorization {{ user: "{USER}", password: "{PASSWORD}" }}\n'
        )

    def probe(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as link:
                receive_line(link)
        except OSError as error:
            raise BrokerDown(f"nats does not answer: {error}") from error


class SecuredRedis(Secured, RedisServer):
    """redis-server with one ACL user, and TLS only."""

    def command(self) -> list[str]:
        files = self.certificates
        tls = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
        tls += ["--tls-cert-file", str(files.certificate), "--tls-key-file", str(files.key)]
        tls += ["--tls-ca-cert-file", str(files.ca)]
        return ["redis-server", str(self.folder / "redis.conf"), "--bind", "127.0.0.1", *tls]

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "redis.conf").write_text(
            f"user default off\nuser {USER} on >{PASSWORD} allkeys allchannels +@all\nsave ''\n"
        )


class SecuredRabbit(Secured, RabbitServer):
    """A RabbitMQ node with one user, and TLS only."""

    def prepare(self) -> None:
        super().prepare()
        files = self.certificates
        with (self.folder / "rabbitmq.conf").open("w") as conf:
            conf.write(
                "listeners.tcp = none\n"
                f"listeners.ssl.local = 127.0.0.1:{self.port}\n"
                f"ssl_options.cacertfile = {files.ca}\n"
                f"ssl_options.certfile = {files.certificate}\n"
                f"ssl_options.keyfile = {files.key}\n"
                "ssl_options.verify = verify_none\n"
                f"default_user = {USER}\ndefault_pass = {PASSWORD}\n"
                "disk_free_limit.absolute = 50MB\n"
            )


class SecuredKafka(Secured, KafkaServer):
    """A Kafka node that takes user and password, without TLS and with it; and, for the question
    whether it is up and for itself, neither."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.doors = {"SASL_PLAINTEXT": free_port(), "SASL_SSL": free_port()}

    def probe(self) -> None:
        KafkaServer.probe(self)
        for name, port in self.doors.items():  # they open one after the other
            try:
                socket.create_connection(("127.0.0.1", port), 1.0).close()
            except OSError as error:
                raise BrokerDown(f"kafka does not listen for {name} yet: {error}") from error

    def format_options(self) -> list[str]:
        return ["--add-scram", f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"]

    def _properties(self) -> list[tuple[str, object]]:
        found = dict(super()._properties())
        doors = [f"{name}://127.0.0.1:{port}" for name, port in self.doors.items()]
        for name in ("listeners", "advertised.listeners"):
            found[name] = ",".join([str(found[name]), *doors])
        protocols = [f"{name}:{name}" for name in self.doors]
        known = str(found["listener.security.protocol.map"])
        found["listener.security.protocol.map"] = ",".join([known, *protocols])
        modules = "org.apache.kafka.common.security"
        for name in self.doors:
            mechanisms = f"listener.name.{name.lower()}"
            found[f"{mechanisms}.plain.sasl.jaas.config"] = (
                f'{modules}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            )
            found[f"{mechanisms}.scram-sha-256.sasl.jaas.config"] = (
                f"{modules}.scram.ScramLoginModule required;"
            )
        return [
            *found.items(),
            ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256"),
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.location", self.certificates.both),
        ]


SECURED: dict[str, type[Secured]] = {
    server.kind: server for server in (SecuredNats, SecuredRedis, SecuredRabbit, SecuredKafka)
}
