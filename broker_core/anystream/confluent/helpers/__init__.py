"""Where FastStream has the configuration's type; ours is `anystream.confluent.config`."""
