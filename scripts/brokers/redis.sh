# Redis, in memory only: tests need nothing of it tomorrow.

prepare_redis() { need redis-server redis-server; }

start_redis() {
    launch redis redis-server --bind 127.0.0.1 --port "$PORT" --dir "$STATE/redis/data" --save '' --appendonly no
}
