"""LiteLLM as a library here uses it: offline until it is asked to call, silent, no retries."""

from __future__ import annotations

import logging
import os
import warnings
from functools import lru_cache
from typing import Any

from agent.models.timeouts import bound_body


@lru_cache(maxsize=1)
def litellm() -> Any:
    """Import LiteLLM (about 2 s, once) and return the module."""
    # Its price list would be fetched from the network, and `.env` is read by agent.settings.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
    for said in ("Item .* on TypedDict class", "Pydantic serializer warnings"):
        warnings.filterwarnings("ignore", said, UserWarning)
    import httpx
    import litellm as module
    from litellm.llms.custom_httpx.http_handler import get_ssl_configuration

    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # its import sets the level anew
    module.suppress_debug_info = True
    module.telemetry = False
    module.set_verbose = False
    module.num_retries = 0
    module.DEFAULT_MAX_RETRIES = 0  # embeddings take a 0 that they are given for this
    module.cache = None
    module.disable_streaming_logging = True
    # The client of OpenAI and of every endpoint with its interface, as LiteLLM makes it; the
    # hook ends the reading of a body that never ends.
    module.client_session = httpx.Client(
        verify=get_ssl_configuration(),
        follow_redirects=True,
        limits=httpx.Limits(max_connections=1000, max_keepalive_connections=256),
        event_hooks={"response": [bound_body]},
    )
    return module
