from anystream.core import AsyncAPI
from docs_src.asyncapi.described import broker

older = AsyncAPI(broker, title="Shop", schema_version="2.6.0")
text = older.to_specification().to_yaml()
