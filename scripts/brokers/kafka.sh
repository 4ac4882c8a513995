# A real single-node Kafka (KRaft). The jars come from Maven Central once and are shared by all checkouts.

KAFKA_POM="$ROOT/scripts/kafka/pom.xml"
KAFKA_VERSION="$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$KAFKA_POM")"
KAFKA_JARS="$CACHE/kafka-$KAFKA_VERSION"

prepare_kafka() {
    if [[ -d "$KAFKA_JARS" ]]; then
        need java default-jre-headless
        return
    fi
    need mvn maven default-jre-headless || return 1
    fetch_kafka
}

fetch_kafka() {
    local partial="$KAFKA_JARS.partial.$$" log="$STATE/kafka/log"
    mkdir -p "$CACHE"
    echo "        fetching Kafka $KAFKA_VERSION from Maven Central (once, about 45 MB) ..."
    if ! mvn --quiet --batch-mode --file "$KAFKA_POM" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$partial" >"$log" 2>&1; then
        rm -rf "$partial"
        return 1
    fi
    # Whoever renames first wins; a second checkout fetching at the same time throws its own away.
    mv -T "$partial" "$KAFKA_JARS" 2>/dev/null || rm -rf "$partial"
}

java_for_kafka() {
    java -Xmx512m -Xms128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
        -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.defaultLogLevel="$1" \
        -cp "$KAFKA_JARS/*" "${@:2}"
}

write_kafka_properties() {
    local controller=$((PORT + 1))
    cat >"$STATE/kafka/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://localhost:$PORT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$STATE/kafka/data
num.partitions=1
auto.create.topics.enable=true
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
}

start_kafka() {
    write_kafka_properties
    if [[ ! -e "$STATE/kafka/data/meta.properties" ]]; then
        java_for_kafka warn kafka.tools.StorageTool format --ignore-formatted \
            --config "$STATE/kafka/server.properties" --cluster-id anystreamTestCluster00 >>"$STATE/kafka/log" 2>&1 || true
    fi
    launch kafka java -Xmx512m -Xms128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
        -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.defaultLogLevel=info \
        -cp "$KAFKA_JARS/*" kafka.Kafka "$STATE/kafka/server.properties"
}
