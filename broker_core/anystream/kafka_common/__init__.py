"""What Kafka is whatever the client library: records on the wire, commands, offsets, test mode.

`anystream.kafka` (aiokafka) and `anystream.confluent` (confluent-kafka) stand on it. No module in
here imports a client.
"""
