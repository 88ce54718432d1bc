"""The denoiser, the text encoder and the noise schedule, as one set of definitions for all scripts."""

from diffusers import DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WIDTHS = (32, 64, 96, 128)
HEAD = 32
TEXT_WIDTH = 128


def new_denoiser() -> UNet2DConditionModel:
    """Return the untrained U-Net (5.7 million parameters), with attention at its two coarsest levels only.

    The latents are 128×128 at 512², so the fine levels have to be narrow and purely convolutional. The text reaches
    them all the same: besides the cross-attention, it is pooled into the embedding of the time step, which scales
    and shifts the features of every block. That way is learnt in far fewer steps than attention is.
    """
    return UNet2DConditionModel(
        sample_size=64,
        in_channels=4,
        out_channels=4,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        # Despite its name this is the number of heads, per level.
        attention_head_dim=[width // HEAD for width in WIDTHS],
        cross_attention_dim=TEXT_WIDTH,
        addition_embed_type="text",
        addition_embed_type_num_heads=TEXT_WIDTH // HEAD,
        resnet_time_scale_shift="scale_shift",
        norm_num_groups=8,
    )


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return the untrained text encoder (0.5 million parameters) for the tokenizer's vocabulary."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=3 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=tokenizer.model_max_length,
            projection_dim=TEXT_WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_scheduler() -> DDIMScheduler:
    """Return the noise schedule that the denoiser is trained for, with velocity (v) prediction.

    The last step has a signal of 0.006, against 0.07 in Stable Diffusion's schedule: a picture's mean colour
    survives much noise, and a denoiser trained with a remainder of it would draw everything mid-grey
    from pure noise. It is not exactly zero, so that every sampler can use it as it is.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.025,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=True,
    )
