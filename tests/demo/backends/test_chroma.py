from __future__ import annotations

import chromadb
import psutil
from chromadb.config import Settings

from whisperwatch.demo.backends.chroma import Chroma
from whisperwatch.demo.home import Home


async def test_it_finds_the_nearest_and_leaves_nothing_behind(home: Home) -> None:
    server = Chroma(home)
    await server.start()
    assert server._child is not None
    pid = server._child.pid
    port = int(server.environment()["CHROMA_URL"].rpartition(":")[2])
    client = await chromadb.AsyncHttpClient("127.0.0.1", port, settings=Settings(anonymized_telemetry=False))
    collection = await client.create_collection("memories", embedding_function=None)
    await collection.add(
        ids=["cat", "tax"], embeddings=[[1.0, 0.0], [0.0, 1.0]], documents=["a cat", "a tax"]
    )
    found = await collection.query(query_embeddings=[[0.9, 0.1]], n_results=1)
    assert found["documents"] == [["a cat"]]
    assert list((home.path / "chroma").glob("*.sqlite3"))
    await server.stop()
    assert not psutil.pid_exists(pid)
    assert not (home.path / "chroma").exists()
